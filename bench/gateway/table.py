"""The numbers as tables, each beside its aim."""

from __future__ import annotations

import sys
from collections.abc import Mapping

Results = Mapping[str, Mapping[str, float]]


def print_tables(results: Results) -> bool:
    """Print what was measured; True if every aim that can be judged is met."""
    for part in ("fanout", "latency", "bridge", "memory", "many", "walls", "churn", "return"):
        rows = {name.partition(": ")[2]: row for name, row in results.items() if name.startswith(part + ": ")}
        if rows:
            columns = list(next(iter(rows.values())))
            _print(f"{part:<28}" + "".join(f"{column:>16}" for column in columns))
            for name, row in rows.items():
                _print(f"  {name:<26}" + "".join(f"{row[column]:>16.2f}" for column in columns))
            _print("")
    verdicts = judge(results)
    for text, is_met in verdicts:
        _print(f"{'met   ' if is_met else 'MISSED'}  {text}")
    return all(is_met for _, is_met in verdicts)


def judge(results: Results) -> list[tuple[str, bool]]:
    """Each aim with the number reached, and whether it is met; aims whose part was not measured are left out."""
    verdicts = []
    if "fanout: ours, binary" in results:
        cost = {name.removeprefix("fanout: "): row["us_per_frame"] for name, row in results.items() if "fanout" in name}
        for text, reached, aim in (
            ("ours binary / node binary", cost["ours, binary"] / cost["node ws, binary"], 0.95),
            ("ours binary / bare loop", cost["ours, binary"] / cost["bare socket loop"], 1.5),
            ("ours JSON / node JSON", cost["ours, JSON"] / cost["node ws, JSON"], 0.4),
        ):
            verdicts.append((f"{text} = {reached:.2f}, aim ≤ {aim}", reached <= aim))
    ours, theirs = results.get("latency: bridge, ours, in step"), results.get("latency: bridge, ref., in step")
    if ours is not None and theirs is not None:
        for column, aim in (("p50_ms", 0.5), ("p99_ms", 0.4)):
            share = ours[column] / theirs[column]
            verdicts.append((f"bridge, in step: {column}, ours / reference = {share:.2f}, aim ≤ {aim}", share <= aim))
    for name in ("bridge, ours", "bridge, ours, deflate", "bridge, ours, in step"):
        row = results.get(f"latency: {name}")
        if row is not None:
            verdicts.append((f"{name}: cores = {row['cores']:.2f}, aim ≤ 0.1", row["cores"] <= 0.1))
            verdicts.append((f"{name}: delivered {row['delivered_pct']:.1f} %, aim all", row["delivered_pct"] >= 100))
    verdicts += _judge_at_scale(results)
    if "memory: ours" in results:
        each = results["memory: ours"]["kb_each_at_2000"]
        verdicts.append((f"an idle viewer takes {each:.1f} KB, aim ≤ 22", each <= 22))
    return verdicts


def _judge_at_scale(results: Results) -> list[tuple[str, bool]]:
    verdicts = []
    for name, column in (("many", "cores"), ("walls", "us_per_frame"), ("churn", "ms_each")):
        if f"{name}: ours" in results:
            share = results[f"{name}: ours"][column] / results[f"{name}: node ws"][column]
            verdicts.append((f"{name}: ours / node ws, {column} = {share:.2f}, aim ≤ 1.1", share <= 1.1))
    for name, column, aim in (
        ("many", "cores", 0.35),
        ("many", "p99_ms", 100.0),
        ("many", "kb_each_idle", 22.0),
        ("churn", "without", 0.0),
        ("return", "all_back_s", 15.0),
        ("return", "refused", 0.0),
    ):
        row = results.get(f"{name}: ours")
        if row is not None:
            verdicts.append((f"{name}: ours, {column} = {row[column]:.2f}, aim ≤ {aim:g}", row[column] <= aim))
    if "many: ours" in results:
        delivered = results["many: ours"]["delivered_pct"]
        verdicts.append((f"many: ours, delivered {delivered:.1f} %, aim all", delivered >= 99.9))
    return verdicts


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
