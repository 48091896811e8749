# SPDX-License-Identifier: AGPL-3.0-only
"""What agents change from session to session, and how many tokens of a prompt were cached."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from clients.server import Record

UNREAD = {
    "metadata",
    "cache_control",
    "signature",
    "id",
    "prompt_cache_key",
    "client_metadata",
}
"""Members that no prompt shows."""

CLAUDE: Mapping[str, str] = {
    "billing line": r"\Ax-anthropic-billing-header:[^\n]*",
    "date": r"(?m)^Today's date is \d{4}-\d{2}-\d{2}\.$",
    "month": r"(?m)^- The current month is [A-Z][a-z]+ \d{4} — use this when searching.*$",
    "git status": r"(?s)\n\ngitStatus: This is the git status at the start of the.*\Z",
}
CLAUDE_FOLDER: Mapping[str, str] = {
    "memory": r"(?m)^You have a persistent file-based memory at `[^`\n]*`",
    "folder": r"(?m)^ - Primary working directory: .*$",
}
CODEX: Mapping[str, str] = {
    "date": r"(?m)^  <current_date>\d{4}-\d{2}-\d{2}</current_date>$",
    "time zone": r"(?m)^  <timezone>[^<]*</timezone>$",
}
CODEX_FOLDER: Mapping[str, str] = {
    "skills": r"(?m)^- `r\d+` = `[^`\n]*`$",
    "folder": r"(?m)^  <cwd>[^<]*</cwd>$",
    "roots": r"(?m)^  <filesystem>.*</filesystem>$",
}


def texts(value: Any) -> Iterator[str]:
    """All that a prompt may show."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in UNREAD:
                yield from texts(item)


def found(body: Record, rules: Mapping[str, str]) -> list[str]:
    """The names of the rules that match somewhere."""
    every = list(texts(body))
    return [name for name, rule in rules.items() if any(re.search(rule, text) for text in every)]


def without(body: Record, rules: Mapping[str, str]) -> list[str]:
    """The texts with the changing parts left out."""
    every = list(texts(body))
    for rule in rules.values():
        every = [re.sub(rule, "", text) for text in every]
    return every


def replaced(value: Any, rule: str, new: str) -> Any:
    """The same request with other words."""
    if isinstance(value, str):
        return re.sub(rule, lambda _: new, value)
    if isinstance(value, list):
        return [replaced(item, rule, new) for item in value]
    if isinstance(value, dict):
        return {name: replaced(item, rule, new) for name, item in value.items()}
    return value


class Tokens:
    """Of one request, as the `usage` of its answer counts them."""

    def __init__(self, exchange: Record) -> None:
        usage = last_usage(exchange["answer"])
        if "cache_read_input_tokens" in usage:
            self.cached = usage["cache_read_input_tokens"]
            self.prompt = self.cached + usage["input_tokens"]
        else:
            self.cached = usage["input_tokens_details"]["cached_tokens"]
            self.prompt = usage["input_tokens"]

    @property
    def share(self) -> float:
        return float(self.cached / self.prompt)

    def __str__(self) -> str:
        return f"{self.cached:6} of {self.prompt:6} tokens cached, {100 * self.share:5.1f} %"


def last_usage(stream: str) -> Any:
    """The last event with counts of the prompt in it."""
    usage: Any = None
    for line in stream.splitlines():
        if line.startswith("data: {"):
            event = json.loads(line.removeprefix("data: "))
            given = (event.get("message") or event.get("response") or event).get("usage")
            usage = given if given and "input_tokens" in given else usage
    return usage
