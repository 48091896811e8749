# SPDX-License-Identifier: AGPL-3.0-only
"""The object `response`, as it is at the start, at the end and after a failure."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from sentiric_llama.errors import ErrorCode, SentiricLlamaError
from sentiric_llama.http.errors import error_body
from sentiric_llama.http.responses.output import Output
from sentiric_llama.http.responses.output_items import Status
from sentiric_llama.http.responses.request import ResponsesRequest
from sentiric_llama.http.shapes import timings_json, truncation_json
from sentiric_llama.http.stepped_json import dump_long
from sentiric_llama.service.chat_call import default_sampling
from sentiric_llama.service.chat_stream import ChatStream
from sentiric_llama.settings.config import Settings
from sentiric_llama.types.result import Ending

_FAILURES = {
    ErrorCode.CONTEXT_LENGTH_EXCEEDED: "context_length_exceeded",
    ErrorCode.OVERLOADED: "rate_limit_exceeded",
    ErrorCode.RATE_LIMIT_EXCEEDED: "rate_limit_exceeded",
}
_INCOMPLETE = {"length": "max_output_tokens"}
_TRUNCATION = {"drop_turns": "auto", "shift": "shift", "error": "disabled"}


class Envelope:
    """Writes one response. All of its states share an id and the parameters of the request."""

    def __init__(self, stream: ChatStream, request: ResponsesRequest, settings: Settings) -> None:
        """`settings` have the defaults of what the request leaves open."""
        self._stream = stream
        self._echo = request.echo
        sampling = replace(default_sampling(settings), **request.call.sampling)
        self._base: dict[str, Any] = {
            "id": f"resp_{stream.answer_id}",
            "object": "response",
            "created_at": int(time.time()),
            "model": stream.model,
            "background": False,
            "previous_response_id": None,
            "service_tier": "default",
            "store": False,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "truncation": _TRUNCATION[request.call.truncation or "error"],
        }
        if stream.notice:
            self._base["notice"] = stream.notice

    def begun(self) -> bytes:
        """While it is generated."""
        return self._write("in_progress", [])

    def ended(self, output: Output, ending: Ending) -> bytes:
        """With its output and what it took."""
        status = status_of(ending)
        details = None if status == "completed" else {"reason": _INCOMPLETE.get(ending, ending)}
        final = self._stream.finals[0]
        more: dict[str, Any] = {
            "usage": _usage(self._stream),
            "timings": timings_json(self._stream.timings),
            "truncation_report": truncation_json(self._stream.truncation),
        }
        if final.unfinished:
            more["unfinished"] = True
        if output.warnings:
            more["warnings"] = output.warnings
        return self._write(status, output.items, details=details, **more)

    def failed(self, output: Output, error: SentiricLlamaError) -> bytes:
        """With the output so far."""
        return self._write("failed", output.items, error=failure_json(error))

    def _write(
        self,
        status: str,
        output: list[dict[str, Any]],
        *,
        details: dict[str, Any] | None = None,
        **more: Any,
    ) -> bytes:
        own = {
            **self._base,
            "status": status,
            "completed_at": int(time.time()) if status == "completed" else None,
            "error": None,
            "incomplete_details": details,
            "output": output,
            "usage": None,
            **more,
        }
        return dump_long(own)[:-1] + b"," + self._echo[1:]


def status_of(ending: Ending) -> Status:
    """Of the response, and of its last item."""
    return "completed" if ending in ("stop", "tool_calls") else "incomplete"


def failure_json(error: SentiricLlamaError) -> dict[str, Any]:
    """The error in the words of this API; `type` is the code that the other routes give."""
    told = error_body(error)["error"]
    other = "invalid_prompt" if error.mapping.http in (400, 404, 422) else "server_error"
    code = _FAILURES.get(error.code, other)
    return {"code": code, "message": told["message"], "param": told["param"], "type": told["code"]}


def _usage(stream: ChatStream) -> dict[str, Any]:
    usage, final = stream.usage, stream.finals[0]
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": final.thought_tokens},
        "total_tokens": usage.total_tokens,
    }
