# SPDX-License-Identifier: AGPL-3.0-only
"""The table of README.md, between its markers, out of result files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"


def update(documents: Sequence[dict[str, Any]], readme: Path = README) -> None:
    """Replaces what stands between the markers. Raises ValueError when one is missing."""
    text = readme.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"[table] {readme.name} lacks the markers {BEGIN} and {END}")
    body = "\n\n".join([render(documents), *curves(documents)])
    readme.write_text(f"{head}{BEGIN}\n\n{body}\n\n{END}{tail}", encoding="utf-8")


def render(documents: Sequence[dict[str, Any]]) -> str:
    """The rows of all documents; of two measurements of a scenario the later document's counts."""
    latest = {
        scenario["name"]: (document, scenario)
        for document in documents
        for scenario in document["scenarios"]
    }
    order = list(dict.fromkeys(id(document) for document, _ in latest.values()))
    parts = []
    for wanted in order:
        found = [pair for pair in latest.values() if id(pair[0]) == wanted]
        parts.append(_head(found[0][0]) + "\n\n" + _rows([scenario for _, scenario in found]))
    return "\n\n".join(parts)


def _head(document: dict[str, Any]) -> str:
    machine, commits = document["machine"], document["commits"]
    modified = " (modified)" if commits["ours_modified"] else ""
    place = machine["gpu"] or f"{machine['cpu']}, {machine['cores']} cores"
    load = ", ".join(str(value) for value in machine["load_average_at_start"])
    return (
        f"{document['started'][:10]} · {place} ({' '.join(machine['cpu_flags'])}) · "
        f"{document['threads']} threads · load average at the start {load} · "
        f"commit {commits['ours']}{modified} · llama.cpp {commits['llama_cpp']} · "
        f"size *{document['size']}*"
    )


def _rows(scenarios: Sequence[dict[str, Any]]) -> str:
    lines = [
        "| scenario | figure | ours | other | ratio: median (low to high) | pairs | goal |",
        "|---|---|---|---|---|---|---|",
    ]
    for scenario in scenarios:
        name = f"**{scenario['name']}** {scenario['title']}, {scenario['model']}"
        for figure in scenario["figures"]:
            lines.append(_row(name, figure, len(scenario["rounds"])))
            name = ""
        if scenario["failure"]:
            lines.append(f"| {name} | failed | | | {scenario['failure'][:80]} | | |")
    return "\n".join(lines)


def _row(name: str, figure: dict[str, Any], pairs: int) -> str:
    unit, side = figure["unit"], figure["other_side"]
    other = f"{number(figure['other'])} {unit} ({side})" if side else ""
    middle, low, high = (number(figure[key]) for key in ("ratio", "low", "high"))
    sign = {"ratio": "× ", "difference": "+ ", "value": ""}[figure["kind"]]
    goal = {None: "", True: f"{figure['goal']} ✓", False: f"{figure['goal']} ✗"}[figure["met"]]
    ours = f"{number(figure['ours'])} {unit}"
    cells = [name, figure["label"], ours, other, f"{sign}{middle} ({low} to {high})"]
    return "| " + " | ".join([*cells, str(pairs), goal]) + " |"


def number(value: float) -> str:
    """About three digits, never in powers of ten."""
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:.{digits}f}"


def curves(documents: Sequence[dict[str, Any]]) -> list[str]:
    """A picture for each growth scenario that was measured."""
    names = dict.fromkeys(
        scenario["name"]
        for document in documents
        for scenario in document["scenarios"]
        if scenario["curve"][0] and scenario["rounds"]
    )
    return [f"![{name}](results/{name}.svg)" for name in names]
