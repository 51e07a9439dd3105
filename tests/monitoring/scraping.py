"""Read `/metrics` as Prometheus does."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


class Scrape:
    """All samples of one answer of `/metrics`."""

    def __init__(self, text: str) -> None:
        self.families = list(text_string_to_metric_families(text))
        self.samples = [sample for family in self.families for sample in family.samples]

    def matching(self, name: str, **labels: str) -> list[Sample]:
        """The samples of a name that have these labels, among others."""
        return [one for one in self.samples if one.name == name and labels.items() <= one.labels.items()]

    def sum(self, name: str, **labels: str) -> float:
        """Their sum; there must be one at least."""
        found = self.matching(name, **labels)
        assert found, f"no {name}{labels or ''}"
        return sum(sample.value for sample in found)


async def scrape(url: str, headers: Mapping[str, str] | None = None) -> Scrape:
    """Ask once."""
    timeout = aiohttp.ClientTimeout(5)
    async with aiohttp.ClientSession(timeout=timeout) as http, http.get(f"{url}/metrics", headers=headers) as answer:
        assert answer.status == 200
        return Scrape(await answer.text())
