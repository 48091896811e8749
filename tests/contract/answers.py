# SPDX-License-Identifier: AGPL-3.0-only
"""Whether an answer is what the OpenAPI document says of its operation."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

EVENTS = "text/event-stream"
ENDS = ("[DONE]", "message_stop", "response.completed", "response.incomplete", "response.failed")
"""What the last event of a stream is, or its type."""
OF_SERVER = ("server_error", "api_error")
"""Types of errors that a stream ends with where an answer would have the status 500."""


NAMED = re.compile(r"\[([^\].:]*)")
"""How the message of a refusal begins that is about a field."""


@dataclass(frozen=True)
class Answer:
    """An answer, read as far as it goes or as far as it was wanted."""

    status: int
    media_type: str
    body: bytes
    is_whole: bool = True


class Contract:
    """The document, asked about answers."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._validator = cache(self._new_validator)

    def problems(self, method: str, path: str, answer: Answer) -> Iterator[str]:
        """What is wrong with the answer of this operation; nothing if all is right."""
        if answer.status >= 500:
            yield f"failed: {answer.status} {answer.body[:300]!r}"
        told = self._responses(method, path)
        if (response := told.get(str(answer.status))) is None:
            yield f"status {answer.status} is not documented: {answer.body[:300]!r}"
            return
        kinds = self._resolved(response)["content"]
        kind = answer.media_type.partition(";")[0]
        if kind not in kinds:
            yield f"{kind!r} with status {answer.status} is not documented"
            return
        place = (method, path, str(answer.status), kind)
        if kind == EVENTS:
            yield from self._of_events(place, answer)
        elif kind == "application/json":
            yield from self._misfits(place, json.loads(answer.body))

    def misnamed(self, method: str, path: str, answer: Answer, sent: Any) -> Iterator[str]:
        """The field that a refusal names, if neither the document nor the request has it."""
        body = self._document["paths"][path][method.lower()].get("requestBody")
        named = NAMED.match(_message_of(answer)) if 400 <= answer.status < 500 else None
        if body is None or named is None:
            return
        name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        fields = {*self._document["components"]["schemas"][name]["properties"]}
        if isinstance(sent, dict):
            fields |= sent.keys()
        if named[1] not in fields:
            yield f"names a field that nobody sent: {_message_of(answer)[:200]}"

    def allows(self, method: str, path: str, status: int) -> bool:
        """True if the document has this status of the operation."""
        return str(status) in self._responses(method, path)

    def _responses(self, method: str, path: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._document["paths"][path][method.lower()]["responses"]
        return found

    def _of_events(self, place: tuple[str, str, str, str], answer: Answer) -> Iterator[str]:
        events = list(read_events(answer.body))
        for event in events:
            if isinstance(event, dict) and (error := failure_in(event)):
                if error.get("type") in OF_SERVER:
                    yield f"failed within a stream: {error}"
            elif event != "[DONE]":
                yield from self._misfits(place, event)
        if not events:
            yield "a stream without events"
        elif answer.is_whole and not is_end(events[-1]):
            yield f"a stream ends with {str(events[-1])[:200]}"

    def _misfits(self, place: tuple[str, str, str, str], content: Any) -> Iterator[str]:
        error = best_match(self._validator(place).iter_errors(content))
        if error is not None:
            yield f"{place}: {error.json_path} {error.message[:300]}"

    def _new_validator(self, place: tuple[str, str, str, str]) -> Draft202012Validator:
        method, path, status, kind = place
        response = self._resolved(self._responses(method, path)[status])
        schema = response["content"][kind]["schema"]
        return Draft202012Validator({**schema, "components": self._document["components"]})

    def _resolved(self, response: Mapping[str, Any]) -> Mapping[str, Any]:
        name = response.get("$ref", "").rpartition("/")[2]
        return self._document["components"]["responses"][name] if name else response


def _message_of(answer: Answer) -> str:
    """What an answer says of its error; "" if it is none."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(json.loads(answer.body)["error"]["message"])
    return ""


def read_events(body: bytes) -> Iterator[Any]:
    """The data of server-sent events; `[DONE]` as it is."""
    for block in body.decode().split("\n\n"):
        lines = (line for line in block.split("\n") if line.startswith("data: "))
        if data := "\n".join(line.removeprefix("data: ") for line in lines):
            yield data if data == "[DONE]" else json.loads(data)


def failure_in(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The error that an event tells instead of content."""
    found = event.get("error")
    is_answer = "status" in event or event.get("object") == "response"
    return found if isinstance(found, dict) and not is_answer else None


def is_end(event: Any) -> bool:
    """True for the last event of a stream, also of one that failed."""
    if isinstance(event, dict):
        return event.get("type") in ENDS or failure_in(event) is not None
    return event in ENDS
