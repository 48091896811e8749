# SPDX-License-Identifier: AGPL-3.0-only
"""Growth curves as SVG; needs the extra `bench` (matplotlib)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

Points = list[tuple[float, float]]


def draw_all(document: dict[str, Any], folder: Path) -> list[Path]:
    """One picture for each scenario of the document that has a curve."""
    return [
        draw(scenario, folder / f"{scenario['name']}.svg")
        for scenario in document["scenarios"]
        if scenario["curve"][0] and scenario["rounds"]
    ]


def draw(scenario: dict[str, Any], path: Path) -> Path:
    """Both sides over the points, medians of all rounds."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = scenario["name"]  # the same data, the same file
    figure, axes = pyplot.subplots(figsize=(6, 3.5), layout="constrained")
    for side in scenario["rounds"][0]:
        x, y = zip(*points(scenario["rounds"], side), strict=True)
        axes.plot(x, y, marker="o", label=side)
    axes.set_xscale("log", base=2)
    axes.set_ylim(bottom=0)
    axes.set_xticks(x, [f"{value:g}" for value in x])
    axes.set(title=scenario["title"], xlabel=scenario["curve"][0], ylabel=scenario["curve"][1])
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    return path


def points(rounds: Sequence[dict[str, dict[str, float]]], side: str) -> Points:
    """The metrics whose names are numbers, in order."""
    names = [name for name in rounds[0][side] if name.isdigit()]
    found = [(float(name), median(sides[side][name] for sides in rounds)) for name in names]
    return sorted(found)
