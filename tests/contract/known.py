# SPDX-License-Identifier: AGPL-3.0-only
"""Puts into generated requests what no schema can say: names that this server knows, ids that the
same conversation has used, texts in another language, and bounds of what an answer costs.

Each is told in words or as an example in the document. Nothing else of a request is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from contract.world import CANCELLED, CONTEXT, VOCABULARY, WIDTH, World

MOST_TOKENS = 6
LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict")
BUDGETS = ("thinking_budget", "thinking_budget_tokens", "reasoning_budget_tokens")
IDS = ("tokens", "prompt", "input", "stop_token_ids", "allowed_token_ids")
NAME = "f"

Json = dict[str, Any]


def fill_path(path: str, parameters: Json, chance: Random) -> None:
    """Names of what there is, mostly."""
    if chance.random() < 0.2:
        return
    if path == "/v1/models/{name}":
        parameters["name"] = chance.choice(World.names)
    elif path == "/context/{name}":
        parameters["name"] = chance.choice(World.texts)
    elif path == "/v1/requests/{id}":
        parameters["id"] = CANCELLED


def fill_body(path: str, body: Json, examples: Mapping[str, list[str]], chance: Random) -> None:
    """Changes a generated body in place."""
    _names(body, chance)
    for name in IDS:
        if name in body:
            body[name] = _of_vocabulary(body[name])
    _biases(body)
    _examples(body, examples, chance)
    if path in ("/v1/chat/completions", "/chat/completions", "/v1/chat/completions/input_tokens"):
        _chat(body)
    elif path.startswith("/v1/messages"):
        _messages(body)
    elif path.startswith("/v1/responses"):
        _responses(body)


def _names(body: Json, chance: Random) -> None:
    """The model, adapters and profiles of this server; seldom one that it does not have."""
    known = {"model": World.names, "profile": World.profiles}
    known |= dict.fromkeys(("lora_adapter", "lora_adapter_id"), World.adapters)
    for name, words in known.items():
        if isinstance(body.get(name), str) and chance.random() < 0.95:
            body[name] = chance.choice(words)


def bound_costs(body: Json) -> None:
    """Short answers, and models that fit."""
    for name in LIMITS:
        if _is_number(body.get(name)):
            body[name] = min(body[name], MOST_TOKENS)
    if _is_number(body.get("min_tokens")):
        body["min_tokens"] = min(body["min_tokens"], 1)
    if _is_number(body.get("context_size")):
        body["context_size"] = min(body["context_size"], CONTEXT)
    if _is_number(body.get("dimensions")):
        body["dimensions"] = min(body["dimensions"], WIDTH)


def _of_vocabulary(value: Any) -> Any:
    """The ids in it as ids that the model has."""
    if isinstance(value, list):
        return [_of_vocabulary(item) for item in value]
    return value % VOCABULARY if _is_number(value) and value >= 0 else value


def _biases(body: Json) -> None:
    bias = body.get("logit_bias")
    if isinstance(bias, dict):
        body["logit_bias"] = {
            str(int(key) % VOCABULARY) if key.isascii() and key.isdigit() else key: value
            for key, value in bias.items()
        }
    elif isinstance(bias, list):
        pairs = (pair for pair in bias if isinstance(pair, list) and pair)
        for pair in pairs:
            pair[0] = _of_vocabulary(pair[0])


def _examples(value: Any, examples: Mapping[str, list[str]], chance: Random) -> None:
    """Texts in a language of their own become examples of the document."""
    for holder in _objects(value):
        for name in holder.keys() & examples.keys():
            if isinstance(holder[name], str) and holder[name] and chance.random() < 0.95:
                holder[name] = chance.choice(examples[name])


def _objects(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if _is_list(value) else ():
        yield from _objects(item)


def _chat(body: Json) -> None:
    """Results answer a call before them, a choice names a tool, what goes on is an assistant's."""
    messages = _list(body, "messages")
    made: set[str] = set()
    for message in [each for each in messages if isinstance(each, dict)]:
        made |= {call["id"] for call in _dicts(message, "tool_calls") if "id" in call}
        number = message.get("tool_call_id")
        if message.get("role") == "tool" and isinstance(number, str) and number not in made:
            function = {"name": NAME, "arguments": "{}"}
            call = {"id": number, "type": "function", "function": function}
            place = next(i for i, each in enumerate(messages) if each is message)
            messages.insert(place, {"role": "assistant", "content": None, "tool_calls": [call]})
            made.add(number)
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        tool = {"type": "function", "function": {"name": choice["function"].get("name", NAME)}}
        _add_tool(body, tool, _function_name)
    _name_once(body, _function_name)
    if body.get("continue_final_message") is True or body.get("add_generation_prompt") is False:
        messages.append({"role": "assistant", "content": "I"})
        if body.get("add_generation_prompt") is False:
            body.pop("continue_final_message", None)


def _messages(body: Json) -> None:
    """The same for Anthropic's API."""
    messages = _list(body, "messages")
    made: set[str] = set()
    for message in [each for each in messages if isinstance(each, dict)]:
        for block in _dicts(message, "content"):
            number = block.get("tool_use_id")
            if block.get("type") == "tool_use" and isinstance(block.get("id"), str):
                made.add(block["id"])
            if (
                block.get("type") == "tool_result"
                and isinstance(number, str)
                and number not in made
            ):
                call = {"type": "tool_use", "id": number, "name": NAME, "input": {}}
                place = next(i for i, each in enumerate(messages) if each is message)
                messages.insert(place, {"role": "assistant", "content": [call]})
                made.add(number)
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "tool" and "name" in choice:
        _add_tool(body, {"name": choice["name"]}, _own_name)
    _name_once(body, _own_name)


def _responses(body: Json) -> None:
    """The same for the Responses API, where at least one item must be a message."""
    items = body.get("input")
    made: set[str] = set()
    for item in [each for each in items if isinstance(each, dict)] if _is_list(items) else ():
        kind, number = item.get("type"), item.get("call_id")
        if kind in ("function_call", "custom_tool_call") and isinstance(number, str):
            made.add(number)
        if str(kind).endswith("_call_output") and isinstance(number, str) and number not in made:
            call = {"type": "function_call", "call_id": number, "name": NAME, "arguments": "{}"}
            items.insert(next(i for i, each in enumerate(items) if each is item), call)
            made.add(number)
    if _is_list(items) and items:
        items.append({"role": "user", "content": "hi"})
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        for chosen in [choice, *_dicts(choice, "tools")]:
            if isinstance(chosen.get("name"), str):
                chosen.pop("namespace", None)
                tool = {"type": "function", "name": chosen["name"]}
                _add_tool(body, tool, _own_name)
    _name_once(body, _own_name)


def _own_name(tool: Json) -> Any:
    return tool.get("name")


def _function_name(tool: Json) -> Any:
    function = tool.get("function")
    return function.get("name") if isinstance(function, dict) else None


def _name_once(body: Json, name_of: Callable[[Json], Any]) -> None:
    """Leaves out a tool whose name another has already."""
    tools = _list(body, "tools")
    names = [name_of(each) if isinstance(each, dict) else None for each in tools]
    doubles = {i for i, name in enumerate(names) if name is not None and name in names[:i]}
    if doubles:
        body["tools"] = [each for i, each in enumerate(tools) if i not in doubles]


def _add_tool(body: Json, tool: Json, name_of: Callable[[Json], Any]) -> None:
    """Adds a tool unless there is one of its name."""
    tools = body.get("tools")
    tools = tools if _is_list(tools) else []
    named = [name_of(each) for each in tools if isinstance(each, dict)]
    body["tools"] = tools if name_of(tool) in named else [*tools, tool]


def _list(holder: Json, name: str) -> list[Any]:
    found = holder.get(name)
    return found if isinstance(found, list) else []


def _dicts(holder: Json, name: str) -> list[Json]:
    return [each for each in _list(holder, name) if isinstance(each, dict)]


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def examples_of(document: Mapping[str, Any]) -> dict[str, list[str]]:
    """Name of a field -> the texts that the document gives as examples of it."""
    found: dict[str, list[str]] = {}
    for holder in _objects(document["components"]["schemas"]):
        for name, field in (holder.get("properties") or {}).items():
            if not isinstance(field, dict):
                continue
            for part in _objects(field):
                texts = [text for text in part.get("examples", ()) if isinstance(text, str)]
                if texts and name not in found:
                    found[name] = texts
    return found
