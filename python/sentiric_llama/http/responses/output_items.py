# SPDX-License-Identifier: AGPL-3.0-only
"""One item of the output while it is written: the events that it makes, and what it is then."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from sentiric_llama.http.custom_tools.input_text import InputText
from sentiric_llama.http.responses.items import sealed
from sentiric_llama.http.responses.tool_table import KnownTool

Event: TypeAlias = dict[str, Any]
Status: TypeAlias = Literal["in_progress", "completed", "incomplete"]
Logprobs: TypeAlias = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ThoughtForm:
    """How thoughts are given."""

    as_summary: bool = False
    """As their own summary, which is what most clients show, instead of as content."""
    is_sealed: bool = False
    """Also in `encrypted_content`, without which some clients do not send them back."""


class OpenItem(ABC):
    """An item that grows. Its text is what the events have said."""

    prefix: ClassVar[str]
    """Of its id."""

    def __init__(self, index: int) -> None:
        self._place = {"item_id": f"{self.prefix}_{secrets.token_hex(16)}", "output_index": index}
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._parts)

    @abstractmethod
    def json(self, status: Status) -> dict[str, Any]:
        """The item as it is now."""

    @abstractmethod
    def put(self, text: str, logprobs: Logprobs = ()) -> list[Event]:
        """The events of a further part."""

    def begin(self) -> list[Event]:
        """The events that come first."""
        return [self._event("output_item.added", item=self.json("in_progress"), item_id=None)]

    def end(self, status: Status) -> list[Event]:
        """The events that come last."""
        return [self._event("output_item.done", item=self.json(status), item_id=None)]

    def _event(self, kind: str, **more: Any) -> Event:
        """An event about this item. A member that is None is left out."""
        whole = {"type": f"response.{kind}", **self._place, **more}
        return {name: value for name, value in whole.items() if value is not None}


class ContentItem(OpenItem):
    """An item with one part of content."""

    delta: ClassVar[str]
    """The name of its events."""
    part_name: ClassVar = "content_part"
    place: ClassVar = {"content_index": 0}
    """Where the part stands, in all of its events."""

    @abstractmethod
    def part(self) -> dict[str, Any]:
        """The content as it is now."""

    def begin(self) -> list[Event]:
        part = self.part()
        return [*super().begin(), self._event(f"{self.part_name}.added", **self.place, part=part)]

    def put(self, text: str, logprobs: Logprobs = ()) -> list[Event]:
        self._parts.append(text)
        return [self._event(f"{self.delta}.delta", **self.place, delta=text)]

    def end(self, status: Status) -> list[Event]:
        return [
            self._event(f"{self.delta}.done", **self.place, text=self.text),
            self._event(f"{self.part_name}.done", **self.place, part=self.part()),
            *super().end(status),
        ]


class TextItem(ContentItem):
    """A message of the assistant."""

    prefix = "msg"
    delta = "output_text"

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self._logprobs: list[dict[str, Any]] = []

    def part(self) -> dict[str, Any]:
        logprobs = list(self._logprobs)
        return {"type": "output_text", "text": self.text, "annotations": [], "logprobs": logprobs}

    def json(self, status: Status) -> dict[str, Any]:
        return {
            "id": self._place["item_id"],
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": [] if status == "in_progress" else [self.part()],
        }

    def put(self, text: str, logprobs: Logprobs = ()) -> list[Event]:
        self._logprobs += logprobs
        return [event | {"logprobs": list(logprobs)} for event in super().put(text)]

    def end(self, status: Status) -> list[Event]:
        done, *others = super().end(status)
        return [done | {"logprobs": list(self._logprobs)}, *others]


class ThoughtItem(ContentItem):
    """What the model thinks."""

    prefix = "rs"
    delta = "reasoning_text"
    kind: ClassVar = "reasoning_text"
    member: ClassVar = "content"
    """Where its part stands in the item."""

    def __init__(self, index: int, *, is_sealed: bool = False) -> None:
        super().__init__(index)
        self._is_sealed = is_sealed

    def part(self) -> dict[str, Any]:
        return {"type": self.kind, "text": self.text}

    def json(self, status: Status) -> dict[str, Any]:
        item = {
            "id": self._place["item_id"],
            "type": "reasoning",
            "status": status,
            "summary": [],
            "content": [],
        }
        if status == "in_progress":
            return item
        seal = {"encrypted_content": sealed(self.text)} if self._is_sealed else {}
        return item | {self.member: [self.part()]} | seal


class SummaryItem(ThoughtItem):
    """The same as its own summary: there is no second model that could write a shorter one."""

    delta = "reasoning_summary_text"
    kind = "summary_text"
    member = "summary"
    part_name = "reasoning_summary_part"
    place: ClassVar = {"summary_index": 0}


class CallItem(OpenItem):
    """A call of a tool."""

    def __init__(self, index: int, tool: KnownTool) -> None:
        super().__init__(index)
        self._call_id = f"call_{secrets.token_hex(12)}"
        self._tool = tool

    def json(self, status: Status) -> dict[str, Any]:
        tool = self._tool
        return {
            "id": self._place["item_id"],
            "call_id": self._call_id,
            "name": tool.name,
            "status": status,
            **({"namespace": tool.namespace} if tool.namespace else {}),
        }


class FunctionItem(CallItem):
    """A call of a function."""

    prefix = "fc"

    def json(self, status: Status) -> dict[str, Any]:
        return super().json(status) | {"type": "function_call", "arguments": self.text}

    def put(self, text: str, logprobs: Logprobs = ()) -> list[Event]:
        self._parts.append(text)
        return [self._event("function_call_arguments.delta", delta=text)]

    def end(self, status: Status) -> list[Event]:
        whole = {"name": self._tool.name, "arguments": self.text}
        done = self._event("function_call_arguments.done", **whole)
        return [done, *super().end(status)]


class CustomItem(CallItem):
    """A call of a custom tool, whose input is taken out of the arguments."""

    prefix = "ctc"

    def __init__(self, index: int, tool: KnownTool) -> None:
        super().__init__(index, tool)
        self._input = InputText()

    def json(self, status: Status) -> dict[str, Any]:
        return super().json(status) | {"type": "custom_tool_call", "input": self.text}

    def put(self, text: str, logprobs: Logprobs = ()) -> list[Event]:
        return self._deltas(self._input.feed(text))

    def end(self, status: Status) -> list[Event]:
        rest = self._deltas(self._input.end())
        done = self._event("custom_tool_call_input.done", input=self.text)
        return [*rest, done, *super().end(status)]

    def _deltas(self, text: str) -> list[Event]:
        if not text:
            return []
        self._parts.append(text)
        return [self._event("custom_tool_call_input.delta", delta=text)]
