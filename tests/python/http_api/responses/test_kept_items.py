# SPDX-License-Identifier: AGPL-3.0-only
"""Items of earlier answers that a request names instead of sending them."""

from __future__ import annotations

from typing import Any

import pytest

from responses_calls import CUSTOM, ThinkingEngine, call, respond
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import InternalError, InvalidArgument
from sentiric_llama.http.responses import kept_items
from sentiric_llama.http.responses.kept_items import KEEP_S, MAX_ITEM, KeptItems

REPLY = "<think>hm</think>I look.\n" + call("patch", {"input": "a\nb"})
USER = {"role": "user", "content": "hello"}
ANNA, BERT = ("anna", ""), ("bert", "")


def named(item: Any) -> dict[str, Any]:
    return {"type": "item_reference", "id": item["id"]}


@pytest.fixture
def talker(start: Any) -> Any:
    return start(lambda: ThinkingEngine(REPLY))


@pytest.mark.parametrize("stream", [False, True])
def test_items_may_be_named_by_the_next_request(talker: Any, stream: bool) -> None:
    reply = respond(talker, [USER], tools=[CUSTOM], stream=stream)
    output = (reply.events[-1]["response"] if stream else reply.json)["output"]
    assert [item["type"] for item in output] == ["reasoning", "message", "custom_tool_call"]
    result = {"type": "custom_tool_call_output", "call_id": output[2]["call_id"], "output": "ok"}
    for write in (named, dict):
        again = respond(talker, [USER, *map(write, output), result, USER], tools=[CUSTOM])
        assert again.status == 200 and "x-ignored-fields" not in again.headers
    first, second = (request.messages for request in talker.engine.requests[1:])
    assert first == second
    said = first[-3]
    assert (said.content, said.reasoning) == (REPLY.partition("</think>")[2], "hm")


@pytest.mark.parametrize("kind", ["item_reference", None])
def test_the_type_of_a_reference_may_be_left_out(server: Any, kind: Any) -> None:
    (item,) = respond(server, [USER]).json["output"]
    given = {"id": item["id"]} | ({"type": kind} if kind else {})
    assert respond(server, [USER, given, USER]).status == 200
    assert server.engine.requests[-1].messages[1].content == "You said: hello"


def test_other_routes_know_them_too(server: Any) -> None:
    (item,) = respond(server, [USER]).json["output"]
    path = "/v1/responses/input_tokens"
    counts = [
        server.post(path, {"input": [USER, each, USER]}).json["input_tokens"]
        for each in (item, named(item))
    ]
    assert counts[0] == counts[1]


@pytest.mark.parametrize("fields", [{"store": False}, {"store": False, "stream": True}])
def test_nothing_is_kept_for_clients_that_refuse_it(server: Any, fields: Any) -> None:
    reply = respond(server, [USER], **fields)
    (item,) = (reply.events[-1]["response"] if "stream" in fields else reply.json)["output"]
    error = respond(server, [USER, named(item), USER]).error
    assert error["param"] == "input.1.id" and "store: false" in error["message"]


def test_null_is_no_refusal(server: Any) -> None:
    (item,) = respond(server, [USER], store=None).json["output"]
    assert respond(server, [USER, named(item), USER]).status == 200


def test_an_earlier_thought_that_is_gone_is_left_out(server: Any) -> None:
    gone = {"type": "item_reference", "id": "rs_1"}
    reply = respond(server, [USER, gone, {"role": "assistant", "content": "a"}, USER])
    assert reply.status == 200
    assert reply.headers["x-ignored-fields"] == "input.1.item_reference"


def test_a_key_gets_only_items_of_its_own(start: Any) -> None:
    keys = {name: name * 32 for name in "ab"}
    lines = "\n".join(f"{name}:user:{key}" for name, key in keys.items())
    server = start(api_keys=lines)

    def ask(name: str, given: Any) -> Any:
        headers = {"Authorization": f"Bearer {keys[name]}"}
        return server.post("/v1/responses", {"input": given}, headers=headers)

    (item,) = ask("a", [USER]).json["output"]
    asked = [USER, named(item), USER]
    assert (ask("b", asked).status, ask("a", asked).status) == (400, 200)


def test_an_answer_that_fails_is_not_kept(start: Any) -> None:
    broken: Any = {"fail": InternalError("bug"), "fail_after": 8, "delay_s": 0.001}
    server = start(lambda: FakeEngine(**broken))
    events = respond(server, [USER], stream=True).events
    assert events[-1]["type"] == "response.failed"
    (item,) = events[-1]["response"]["output"]
    assert respond(server, [USER, named(item)]).error["param"] == "input.1.id"


class Kept:
    """Items with a clock of their own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.items = KeptItems(lambda: self.now)

    def keep(self, *names: str, size: int = 0, owner: Any = ANNA) -> None:
        made = ({"type": "reasoning", "id": name, "summary": "x" * size} for name in names)
        self.items.keep(owner, made)

    def has(self, name: str, owner: Any = ANNA) -> bool:
        given = [{"type": "item_reference", "id": name}]
        return bool(self.items.filled_in({"input": given}, owner)["input"] != given)


def test_items_are_forgotten_after_an_hour_without_use() -> None:
    kept = Kept()
    kept.keep("a", "b")
    kept.now = KEEP_S - 1
    assert kept.has("a")
    kept.now = KEEP_S
    assert not kept.has("b") and kept.has("a")
    assert not kept.has("a", BERT)
    kept.now = 2 * KEEP_S
    assert not kept.has("a") and len(kept.items) == 0


def test_the_oldest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_items, "MAX_BYTES", 10_000)
    kept = Kept()
    kept.keep(*"abcd", size=2_000)
    assert [kept.has(name) for name in "bcda"] == [True, True, True, False]
    kept.keep("e", size=2_000)
    assert [kept.has(name) for name in "bcde"] == [False, True, True, True]
    kept.keep(*map(str, range(1_000)))
    assert len(kept.items) < 20


def test_what_is_too_large_is_not_kept() -> None:
    kept = Kept()
    kept.keep("a", size=MAX_ITEM)
    kept.keep("b", size=MAX_ITEM // 2)
    assert not kept.has("a") and kept.has("b")


def test_a_short_request_stays_short() -> None:
    kept = Kept()
    kept.keep(*"abc", size=MAX_ITEM - 1_000)
    given = [{"type": "item_reference", "id": name} for name in "abc"]
    with pytest.raises(InvalidArgument, match="too large") as found:
        kept.items.filled_in({"input": given}, ANNA)
    assert found.value.where == "input.2.id"
    with pytest.raises(InvalidArgument, match="twice") as found:
        kept.items.filled_in({"input": [given[0], given[0]]}, ANNA)
    assert found.value.where == "input.1.id"


def test_log_probabilities_are_not_kept(server: Any) -> None:
    fields: Any = {"include": ["message.output_text.logprobs"], "top_logprobs": 2}
    (item,) = respond(server, [USER], **fields).json["output"]
    assert item["content"][0]["logprobs"]
    kept = KeptItems()
    kept.keep(ANNA, [item])
    (found,) = kept.filled_in({"input": [named(item)]}, ANNA)["input"]
    assert found["content"] == [item["content"][0] | {"logprobs": []}]


@pytest.mark.parametrize("given", [None, "a", 5, [], ["a", 5, None], [USER], [{"id": []}]])
def test_bodies_without_references_are_left_alone(given: Any) -> None:
    values = {"input": given}
    assert KeptItems().filled_in(values, ANNA) == values
