"""Which metrics the dashboard and the alert rules ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

MONITORING: Final = Path(__file__).parents[2] / "deploy/monitoring"
DASHBOARD: Final = MONITORING / "grafana/dashboards/lotcast.json"
ALERTS: Final = MONITORING / "alerts.yml"
PROMETHEUS_S_OWN: Final = {"up", "ALERTS"}
_ADDED_BY_PROMETHEUS: Final = {"job", "instance", "alertstate"}

_KEYWORDS: Final = {"and", "or", "unless", "bool", "offset"}
_SELECTOR: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\})?(\s*\()?")
_MATCHER: Final = re.compile(r"""(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)\"""")


@dataclass(frozen=True)
class Selector:
    """One metric as an expression names it.

    Attributes:
        name: of the metric.
        matchers: label, operator, value; those that Prometheus itself adds left out.
    """

    name: str
    matchers: tuple[tuple[str, str, str], ...]

    def matches(self, labels: dict[str, str]) -> bool:
        """Whether a sample with these labels is meant."""
        for label, operator, wanted in self.matchers:
            found = labels.get(label, "")
            is_equal = re.fullmatch(wanted, found) is not None if "~" in operator else wanted == found
            if is_equal == operator.startswith("!"):
                return False
        return True

    def parts(self) -> Iterator[Selector]:
        """Each matcher by itself, and each alternative of a regular expression (`a|b`): all should match something."""
        for label, operator, wanted in self.matchers:
            for one in wanted.split("|") if operator == "=~" else [wanted]:
                yield Selector(self.name, ((label, operator, one),))


def selectors(expression: str) -> Iterator[Selector]:
    """Every metric that a PromQL expression names. Knows as much of PromQL as the dashboard and the rules use."""
    text = re.sub(r"\[[^\]]*\]", "", expression)
    text = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", "", text)
    for found in _SELECTOR.finditer(text):
        name, braces, is_function = found.groups()
        if is_function or name in _KEYWORDS:
            continue
        matchers = tuple(one for one in _MATCHER.findall(braces or "") if one[0] not in _ADDED_BY_PROMETHEUS)
        yield Selector(name, matchers)


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    loaded: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    return loaded


def panel_expressions() -> dict[str, str]:
    """Every expression of the dashboard, by panel and query."""
    return {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in dashboard()["panels"]
        for target in panel.get("targets", [])
    }


def rules() -> list[dict[str, Any]]:
    """The alert rules."""
    loaded = yaml.safe_load(ALERTS.read_text("utf-8"))
    return [rule for group in loaded["groups"] for rule in group["rules"]]
