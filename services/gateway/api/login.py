"""Logging in with a browser: a form trades a token for a session cookie."""

from __future__ import annotations

import base64
import hashlib
import html
import time
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from libs.common.logging import get_logger
from services.gateway.api.models import Session
from services.gateway.resources import Used
from services.gateway.security.gate import CONTENT_SECURITY_POLICY, ROLE
from services.gateway.security.sessions import COOKIE, KIOSK_COOKIE_AGE_S, make_session, session_cookie
from services.gateway.security.tokens import Grant, Role
from services.gateway.serving.connections import counted_as

_log = get_logger("login")

router = APIRouter()

PATH: Final = "/login"
FORM_MAX_BYTES: Final = 4096
"""Anybody may send it, so it is short."""
ADDRESS_MAX: Final = 1024
"""Characters of the address that a log-in leads to."""

_STYLE: Final = """
:root { --ground: #f3f5f4; --surface: #fff; --line: #d9dfdc; --ink: #14201b; --soft: #55635c; --accent: #0b6e4f;
  --on-accent: #fff; --alert: #8f2d00; --alert-ground: #fff0e8; color-scheme: light dark; line-height: 1.45;
  font-family: "Inter", "Segoe UI", system-ui, -apple-system, "Helvetica Neue", Arial, sans-serif; }
@media (prefers-color-scheme: dark) { :root { --ground: #0e1412; --surface: #17201d; --line: #2a3733; --ink: #eaf1ee;
  --soft: #9fb0a8; --accent: #3ecf9f; --on-accent: #06251a; --alert: #ffb38a; --alert-ground: #3a1e10; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px; background: var(--ground);
  color: var(--ink); }
main { width: min(100%, 400px); padding: 32px; background: var(--surface); border: 1px solid var(--line);
  border-radius: 16px; }
h1 { margin: 0 0 4px; font-size: 1.5rem; }
p { margin: 0 0 24px; color: var(--soft); }
label { display: block; margin-bottom: 6px; font-weight: 600; }
input { width: 100%; padding: 12px; font: inherit; color: inherit; background: var(--ground);
  border: 1px solid var(--line); border-radius: 10px; }
button { width: 100%; margin-top: 16px; padding: 12px; font: inherit; font-weight: 600; color: var(--on-accent);
  background: var(--accent); border: 0; border-radius: 10px; cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.problem { padding: 10px 12px; color: var(--alert); background: var(--alert-ground); border-radius: 10px; }
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY.replace(
        "style-src 'self'", f"style-src 'sha256-{_STYLE_HASH}'"
    ).replace("script-src 'self'; ", ""),
    "Cache-Control": "no-store",
}


def local_address(told: str | None) -> str:
    """Where a log-in leads: the page that was asked for; the first page for an address that is not one of ours.

    A browser takes `//host` and `/\\host` for addresses elsewhere, and drops tabs and line breaks before it looks.
    """
    if told is None or not told.isprintable() or not told.isascii():
        return "/"
    is_ours = told.startswith("/") and not told.startswith(("//", "/\\")) and len(told) <= ADDRESS_MAX
    return told if is_ours else "/"


Problem = Literal["too_many", "unknown", "worker", "not_in_addresses"]
_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "Log in",
        "intro": "Log in with the token that you were given: a long row of letters and digits. Whoever runs Lotcast "
        "here gives it to you.",
        "token": "Token",
        "button": "Log in",
        "too_many": "Too many attempts from your address. Wait a minute.",
        "unknown": "This token is not known here.",
        "worker": "This is a worker's token; it may send pictures, but not look at them.",
        "not_in_addresses": "Only a kiosk's token may stand in an address. Enter this one below.",
    },
    "de": {
        "title": "Anmelden",
        "intro": "Melden Sie sich mit dem Token an, das Sie bekommen haben: einer langen Folge von Buchstaben und "
        "Ziffern. Sie bekommen es von der Person, die Lotcast hier betreibt.",
        "token": "Token",
        "button": "Anmelden",
        "too_many": "Zu viele Versuche von Ihrer Adresse. Warten Sie eine Minute.",
        "unknown": "Dieses Token ist hier nicht bekannt.",
        "worker": "Dies ist das Token eines Workers; es darf Bilder senden, aber keine ansehen.",
        "not_in_addresses": "Nur das Token eines Kiosks darf in einer Adresse stehen. Geben Sie dieses hier ein.",
    },
}
"""Languages of the form; the dashboard's own texts are in web/src/i18n."""


def pick_language(accepted: str) -> str:
    """The first of the browser's languages that there is; English if there is none.

    Args:
        accepted: the header Accept-Language, in which browsers put the dearest first.
    """
    wanted = (part.partition(";")[0].strip().partition("-")[0].lower() for part in accepted[:1024].split(","))
    return next((language for language in wanted if language in _TEXTS), "en")


def login_page(
    request: Request,
    leads_to: str,
    problem: Problem | None = None,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    """The form, in the browser's language.

    Args:
        request: whom it is for.
        leads_to: the path where a log-in leads.
        problem: what was wrong with the last one.
        status: of the answer.
        headers: further ones.
    """
    language = pick_language(request.headers.get("accept-language", ""))
    words = _TEXTS[language]
    shown = "" if problem is None else f'<p class="problem" role="alert">{html.escape(words[problem])}</p>'
    page = f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<title>{words["title"]} · Lotcast</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Lotcast</h1>
<p>{words["intro"]}</p>
{shown}
<form method="post" action="/login">
<input type="hidden" name="next" value="{html.escape(leads_to)}">
<label for="token">{words["token"]}</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>{words["button"]}</button>
</form>
</main>
</body>
</html>
"""
    return HTMLResponse(page, status, {**_HEADERS, "Vary": "Accept-Language", **(headers or {})})


def too_many_attempts(request: Request, leads_to: str) -> Response:
    """The answer to an address that has used up its minute's attempts."""
    return login_page(request, leads_to, "too_many", 429, {"Retry-After": "60"})


@router.get(PATH, include_in_schema=False)
async def show_login(request: Request, used: Used, next: str | None = None) -> Response:
    """The form; where nobody has to log in, the page that was asked for."""
    leads_to = local_address(next)
    return login_page(request, leads_to) if used.tokens else RedirectResponse(leads_to, 303)


@router.post(PATH, include_in_schema=False)
async def log_in(request: Request, used: Used) -> Response:
    """Trade a token for a session."""
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    leads_to = local_address(form.get("next", ["/"])[0])
    address = request.client.host if request.client else ""
    if not used.logins.allow(counted_as(address), time.monotonic()):
        return too_many_attempts(request, leads_to)
    grant = used.tokens.grant_of(form.get("token", [""])[0].strip())
    if grant is None:
        _log.warning("login refused: unknown token", address=address)  # so often in a minute, and no more
        return login_page(request, leads_to, "unknown", 401)
    if grant.role == "worker":
        return login_page(request, leads_to, "worker", 403)
    return start_session(request, grant, used.settings.session_hours, leads_to)


def start_session(request: Request, grant: Grant, hours: float, leads_to: str) -> Response:
    """Give the browser its session and lead it on.

    Args:
        request: of the browser.
        grant: of the token that it has shown.
        hours: how long the session is good; a kiosk's has no end.
        leads_to: a path of ours.
    """
    if grant.role == "kiosk":
        value, lifetime_s = make_session(grant, None), KIOSK_COOKIE_AGE_S
    else:
        lifetime_s = round(hours * 3600)
        value = make_session(grant, round(time.time()) + lifetime_s)
    cookie = session_cookie(value, lifetime_s, secure=request.url.scheme == "https")
    return RedirectResponse(leads_to, 303, {"Set-Cookie": cookie, "Cache-Control": "no-store"})


@router.post("/logout", include_in_schema=False)
async def log_out(request: Request) -> Response:
    """End the browser's session."""
    cookie = session_cookie("", 0, secure=request.url.scheme == "https")
    return RedirectResponse("/login", 303, {"Set-Cookie": cookie, "Cache-Control": "no-store"})


@router.get("/api/session", tags=["system"])
async def get_session(request: Request, response: Response, used: Used) -> Session:
    """What the caller may do, and whether one has to log in at all."""
    role: Role | None = getattr(request.state, ROLE, None)
    session = request.cookies.get(COOKIE)
    if role == "kiosk" and session is not None and "authorization" not in request.headers:
        # The gate has read the role from this cookie. Browsers forget any after 400 days, so a kiosk's begins anew.
        secure = request.url.scheme == "https"
        response.headers["Set-Cookie"] = session_cookie(session, KIOSK_COOKIE_AGE_S, secure=secure)
    return Session(role=role, login_required=bool(used.tokens))
