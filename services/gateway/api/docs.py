"""`/docs`: the API's description as a page, made from its OpenAPI; no script, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.gateway.security.gate import CONTENT_SECURITY_POLICY

PATH: Final = "/docs"
router = APIRouter()

_STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "h2{margin-top:3rem}h3{margin-top:2rem}code{font:0.9em ui-monospace,monospace}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #8884;padding:.3rem .6rem .3rem 0;"
    "text-align:left;vertical-align:top}b.method{display:inline-block;min-width:4.5rem}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY.replace("style-src 'self'", f"style-src 'sha256-{_STYLE_HASH}'"),
    "Cache-Control": "no-cache",
}


@router.get(PATH, include_in_schema=False)
async def get_docs(request: Request) -> HTMLResponse:
    """The page."""
    return HTMLResponse(docs_page(request.app.openapi()), headers=_HEADERS)


def docs_page(document: Mapping[str, Any]) -> str:
    """An OpenAPI document as HTML; pure."""
    title = escape(str(document["info"]["title"]))
    body = "".join((*_routes(document), *_schemas(document)))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>"
        f"<p>{escape(str(document['info'].get('description', '')))} For machines: "
        '<a href="/openapi.json">/openapi.json</a> (OpenAPI). Viewers get their messages over the WebSocket '
        "<code>/ws/viewer/detection?camera_id=…</code>.</p>" + body + "</html>"
    )


def _routes(document: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Routes</h2>"
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            name, about = operation.get("operationId", path), operation.get("description") or operation["summary"]
            yield (
                f'<h3 id="{escape(name)}"><b class="method">{method.upper()}</b> <code>{escape(path)}</code></h3>'
                f"<p>{escape(about)}</p>"
            )
            if "x-roles" in operation:
                yield f"<p>For {escape(', '.join(operation['x-roles']))}.</p>"
            rows = [
                (parameter["name"], parameter["in"], _type(parameter["schema"]), _about(parameter))
                for parameter in operation.get("parameters", [])
            ]
            rows += [
                ("(body)", kind, _type(content.get("schema", {})), "")
                for kind, content in operation.get("requestBody", {}).get("content", {}).items()
            ]
            yield from _table(("parameter", "in", "type", ""), rows)
            answers = [
                (status, escape(answer["description"]), _answer(answer))
                for status, answer in sorted(operation["responses"].items())
            ]
            yield from _table(("answer", "", "body"), answers)


def _schemas(document: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Shapes</h2>"
    for name, schema in sorted(document.get("components", {}).get("schemas", {}).items()):
        yield f'<h3 id="schema-{escape(name)}"><code>{escape(name)}</code></h3>'
        if schema.get("description"):
            yield f"<p>{escape(schema['description'])}</p>"
        required = schema.get("required", [])
        rows = [
            (field, _type(about), "required" if field in required else _default(about), _about(about))
            for field, about in schema.get("properties", {}).items()
        ]
        yield from _table(("field", "type", "", ""), rows) if rows else [f"<p>{_type(schema)}</p>"]


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """A table whose first column is text and whose other columns are HTML already; nothing without rows."""
    if rows:
        yield "<table><tr>" + "".join(f"<th>{heading}</th>" for heading in headings) + "</tr>"
        for first, *rest in rows:
            yield f"<tr><td><code>{escape(first)}</code></td>" + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>"
        yield "</table>"


def _answer(answer: Mapping[str, Any]) -> str:
    return "<br>".join(
        " ".join(filter(None, (escape(kind), _type(content.get("schema", {})))))
        for kind, content in answer.get("content", {}).items()
    )


def _about(schema: Mapping[str, Any]) -> str:
    bounds = [
        f"{name} {schema['schema'][key] if 'schema' in schema else schema[key]}"
        for key, name in (("minimum", "at least"), ("maximum", "at most"), ("maxLength", "length at most"))
        if key in (schema["schema"] if "schema" in schema else schema)
    ]
    return escape("; ".join(filter(None, (schema.get("description", ""), *bounds))))


def _default(schema: Mapping[str, Any]) -> str:
    return escape(f"default {schema['default']}") if schema.get("default") not in (None, "") else ""


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a word or two, as HTML, with a link where it has a name."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return " or ".join(_type(one) for one in schema[key])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items') or {})}"
    return escape(str(schema.get("type", "")))
