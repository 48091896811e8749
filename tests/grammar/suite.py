# SPDX-License-Identifier: AGPL-3.0-only
"""The JSON-Schema-Test-Suite, by keyword, for the table in docs/structured-output-tests.md.

PYTHONPATH=tests python -m grammar.suite    writes the table
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grammar.compiler import TooManyOrdersError, accepted_text, compiled
from sentiric_llama.errors import InvalidGrammar

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "structured-output-tests.md"
BEGIN, END = "<!-- suite: begin -->\n", "<!-- suite: end -->\n"
SOURCE = "jsonschema==4.26.0"
DRAFTS = ("draft2020-12", "draft7")
NOT_ASKED = {
    "refRemote": "other documents",
    "vocabulary": "metaschemas",
    "dynamicRef": "references that depend on the way",
    "format": "formats as annotations; they are assertions here",
}
"""Files of the suite about what the compiler does not promise."""


@dataclass(slots=True)
class Counts:
    """Of one keyword."""

    groups: int = 0
    refused: int = 0
    valid: int = 0
    accepted: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def supported(self) -> int:
        return self.groups - self.refused


def suite_folder() -> Path:
    """Unpacks the source distribution that carries the suite."""
    folder = ROOT / "build" / "suite"
    if not list(folder.glob("jsonschema-*/json/tests")):
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary"]
        subprocess.run([*command, ":all:", SOURCE, "-d", str(folder)], check=True)
        with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
            archive.extractall(folder, filter="data")
    return next(folder.glob("jsonschema-*/json/tests"))


def files(draft: str) -> Iterator[Path]:
    """The suite's own, and those of the formats that the compiler enforces."""
    base = suite_folder() / draft
    yield from sorted(base.glob("*.json"))
    yield from sorted((base / "optional" / "format").glob("*.json"))


def keyword_of(path: Path) -> str:
    return f"format: {path.stem}" if path.parent.name == "format" else path.stem


def run() -> dict[str, Counts]:
    """By keyword, over all drafts."""
    table: dict[str, Counts] = {}
    for draft in DRAFTS:
        for path in files(draft):
            counts = table.setdefault(keyword_of(path), Counts())
            for group in json.loads(path.read_text("utf-8")):
                _try_group(group, counts, f"{draft} {path.stem}: {group['description']}")
    return table


def _try_group(group: dict[str, Any], counts: Counts, name: str) -> None:
    counts.groups += 1
    try:
        grammar = compiled(group["schema"])
    except InvalidGrammar as error:
        has_valid = any(test["valid"] for test in group["tests"])
        if "no value is valid" in error.what:
            counts.wrong += [name] if has_valid else []
        else:
            counts.refused += 1
        return
    for test in group["tests"]:
        text = _accepted(grammar, test["data"])
        if test["valid"]:
            counts.valid += 1
            counts.accepted += text is not None
        elif text is not None:
            counts.wrong.append(f"{name}: {test['description']}: {text}")


def _accepted(grammar: Any, value: Any) -> str | None:
    try:
        return accepted_text(grammar, value)
    except TooManyOrdersError:
        return None


def as_table(table: dict[str, Counts]) -> str:
    lines = ["| keyword | groups | compiled | valid | accepted |", "|---|---|---|---|---|"]
    for keyword, counts in sorted(table.items()):
        note = f" ({NOT_ASKED[keyword]})" if keyword in NOT_ASKED else ""
        lines.append(
            f"| {keyword}{note} | {counts.groups} | {counts.supported} | {counts.valid} | "
            f"{counts.accepted} |"
        )
    return "\n".join(lines) + "\n"


def written() -> str:
    """The table in the document."""
    return DOCUMENT.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    text = DOCUMENT.read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    DOCUMENT.write_text(head + BEGIN + as_table(run()) + END + rest.partition(END)[2], "utf-8")


if __name__ == "__main__":
    main()
