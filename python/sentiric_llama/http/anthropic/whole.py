# SPDX-License-Identifier: AGPL-3.0-only
"""A whole message: what the events of its stream add up to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sentiric_llama.http.anthropic.events import DELTAS, Event, arguments_of

_FIELDS = tuple(field for _, field in DELTAS.values())


class WholeMessage:
    """Takes the events as they come, and keeps only their texts."""

    def __init__(self) -> None:
        self.json: dict[str, Any] = {}
        """The message; complete after the last event."""
        self._texts: list[str] = []
        """Of the open block, so far."""

    def add(self, events: Iterable[Event]) -> None:
        for event in events:
            match event["type"]:
                case "message_start":
                    self.json = event["message"] | {"content": []}
                case "content_block_start":
                    self.json["content"].append(dict(event["content_block"]))
                case "content_block_delta":
                    self._texts += [event["delta"].get(field, "") for field in _FIELDS]
                case "content_block_stop":
                    self._fill(self.json["content"][-1])
                case "message_delta":
                    self.json |= event["delta"] | {"usage": event["usage"]}

    def _fill(self, block: dict[str, Any]) -> None:
        text = "".join(self._texts)
        self._texts.clear()
        if block["type"] == "tool_use":
            block["input"] = arguments_of(text) or {}
        else:
            block[block["type"]] = text
