# SPDX-License-Identifier: AGPL-3.0-only
"""Errors of the engine name fields as each protocol has them."""

from __future__ import annotations

import pytest

from sentiric_llama.errors import ContextLengthExceeded, InvalidArgument, Overloaded
from sentiric_llama.http.anthropic.body import parse_messages
from sentiric_llama.http.openai import ChatRequest, parse_chat
from sentiric_llama.http.responses.request import parse_response
from sentiric_llama.http.texts.completions_body import parse_completions
from sentiric_llama.rpc import engine_servicer, llama_servicer
from sentiric_llama.service.prompt.caller_names import CallerNames

USER = [{"role": "user", "content": "a"}]
SEARCH = {"type": "web_search"}
FUNCTION = {"type": "function", "function": {"name": "f"}}
CHAT = parse_chat({"messages": USER, "tools": [SEARCH, FUNCTION]})
CUSTOM = {"name": "f", "input_schema": {}}
MESSAGES = parse_messages({"messages": USER, "tools": [{"type": "bash_1"}, CUSTOM]})
RESPONSES = parse_response({"input": "a", "tools": [SEARCH, {"type": "function", "name": "f"}]})
WITH_ID = parse_chat({"messages": USER, "lora_adapter_id": "x"})
LLAMA = llama_servicer.names_for(3)
TEXTS = parse_completions({"prompt": "a", "lora_adapter_id": "x"})


@pytest.mark.parametrize(
    ("request_", "engine", "expected"),
    [
        (CHAT, "template_arguments", "chat_template_kwargs"),
        (CHAT, "messages[3].tool_calls[1].name", "messages.3.tool_calls.1.function.name"),
        (CHAT, "allowed_tokens", "allowed_token_ids"),
        (CHAT, "bad_words tokens", "bad_words"),
        (CHAT, "tools[0].name", "tools.1.function.name"),
        (CHAT, "tools.0.function.parameters:/a b", "tools.1.function.parameters:/a b"),
        (CHAT, "lora_adapter", "lora_adapter"),
        (WITH_ID, "lora_adapter", "lora_adapter_id"),
        (TEXTS, "lora_adapter", "lora_adapter_id"),
        (MESSAGES, "tools[0].parameters", "tools.1.input_schema"),
        (MESSAGES, "tools.0.function.parameters:/x", "tools.1.input_schema:/x"),
        (MESSAGES, "tools[0].name", "tools.1.name"),
        (MESSAGES, "stop", "stop_sequences"),
        (RESPONSES, "tools[0].name", "tools.1.name"),
        (RESPONSES, "messages[2].content", "input"),
        (RESPONSES, "template_arguments", "chat_template_kwargs"),
    ],
)
def test_over_http(request_: ChatRequest, engine: str, expected: str) -> None:
    error = request_.blame(InvalidArgument("no", where=engine))
    assert isinstance(error, InvalidArgument)
    assert (error.where, error.what) == (expected, "no")


@pytest.mark.parametrize(
    ("names", "engine", "expected"),
    [
        (engine_servicer.NAMES, "stop_token_ids", "stop_tokens"),
        (engine_servicer.NAMES, "allowed_token_ids", "sampling.allowed_tokens"),
        (engine_servicer.NAMES, "tools.2.function.parameters", "tools.2.parameters"),
        (engine_servicer.NAMES, "template_arguments", "template_arguments"),
        (LLAMA, "template_arguments", "chat_template_kwargs"),
        (LLAMA, "messages[1].content", "history.1.content"),
        (LLAMA, "messages[2].content", "user_prompt"),
        (LLAMA, "messages", "history"),
        (LLAMA, "lora_adapter", "lora_adapter_id"),
    ],
)
def test_over_grpc(names: CallerNames, engine: str, expected: str) -> None:
    assert names.blame(InvalidArgument("no", where=engine), "").where == expected


def test_an_error_keeps_what_it_is() -> None:
    full = Overloaded("full", where="stop_tokens")
    full.retry_ms = 70
    renamed = CallerNames().blame(full, "")
    assert (type(renamed), renamed.where, renamed.retry_ms) == (Overloaded, "stop_token_ids", 70)
    for where in ("", "queue", "lora_adapter", "/x"):
        error = ContextLengthExceeded("long", where=where)
        assert CallerNames().blame(error, "") is error
