# SPDX-License-Identifier: AGPL-3.0-only
"""Completions over HTTP: texts and token ids that are continued as they are."""

from __future__ import annotations

from typing import Any

import pytest

from sentiric_llama.engine import fake
from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types import ChosenLogprob, TokenLogprob


def complete(server: Any, prompt: Any = "Once", **fields: Any) -> Any:
    return server.post("/v1/completions", {"prompt": prompt, **fields})


def joined(reply: Any) -> dict[int, str]:
    texts: dict[int, str] = {}
    for event in reply.events:
        for choice in event["choices"] if event != "[DONE]" else ():
            texts[choice["index"]] = texts.get(choice["index"], "") + choice["text"]
    return texts


def test_a_text_is_continued_as_it_is(server: Any) -> None:
    reply = complete(server, "Once <upon>", max_tokens=50)
    (choice,) = reply.json["choices"]
    assert choice == {
        "index": 0,
        "text": "You said: Once <upon>",
        "logprobs": None,
        "finish_reason": "stop",
    }
    assert reply.json["object"] == "text_completion" and reply.json["id"].startswith("cmpl-")
    request = server.engine.requests[-1]
    assert (request.text, request.messages, request.parse_special) == ("Once <upon>", (), True)
    assert request.thinking is None and not request.shown_tokens


def test_token_ids_are_taken_as_they_are(server: Any) -> None:
    assert complete(server, [72, 105]).status == 200
    assert tuple(server.engine.requests[-1].tokens) == (72, 105)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({}, 16), ({"max_tokens": 0}, 0), ({"max_tokens": -1}, 1024), ({"n_predict": 5}, 5)],
)
def test_max_tokens(server: Any, fields: dict[str, int], expected: int) -> None:
    assert complete(server, **fields).status == 200
    assert server.engine.requests[-1].max_tokens == expected


def test_several_prompts_have_choices_one_after_the_other(server: Any) -> None:
    fields = {"max_tokens": 50, "n": 2, "seed": 3}
    before = len(server.engine.requests)
    reply = complete(server, ["a", "b"], **fields)
    texts = [choice["text"] for choice in reply.json["choices"]]
    assert texts == ["You said: a"] * 2 + ["You said: b"] * 2
    assert [choice["index"] for choice in reply.json["choices"]] == [0, 1, 2, 3]
    one = complete(server, "a", **fields).json["usage"]["prompt_tokens"]
    two = complete(server, "b", **fields).json["usage"]["prompt_tokens"]
    assert reply.json["usage"]["prompt_tokens"] == one + two
    assert [r.sampling.seed for r in server.engine.requests[before : before + 4]] == [3, 4, 3, 4]


def test_a_stream_has_the_same_texts(server: Any) -> None:
    for fields in ({}, {"echo": True}):
        whole = complete(server, ["a", "b"], max_tokens=50, **fields).json
        reply = complete(
            server,
            ["a", "b"],
            max_tokens=50,
            stream=True,
            stream_options={"include_usage": True},
            **fields,
        )
        assert joined(reply) == {c["index"]: c["text"] for c in whole["choices"]}
        assert reply.events[-1] == "[DONE]"
        assert reply.events[-2]["usage"] == whole["usage"] and not reply.events[-2]["choices"]


def test_echo_begins_with_the_prompt(server: Any) -> None:
    assert complete(server, "Hi", echo=True, max_tokens=50).json["choices"][0]["text"] == (
        "HiYou said: Hi"
    )
    assert complete(server, [72, 105], echo=True).json["choices"][0]["text"].startswith("Hi")


def test_whole_numbers_with_a_point_are_token_ids(server: Any) -> None:
    """As everywhere: JSON knows one kind of number."""
    for prompt in ([72.0, 105], [72, 105.0], [[72.0, 105.0]]):
        assert complete(server, prompt, echo=True).json["choices"][0]["text"].startswith("Hi")
    assert complete(server, [72.5]).error["param"] == "prompt"


def test_logprobs_have_the_old_form(start: Any) -> None:
    server = start(lambda: FakeEngine("abc"))
    found = complete(server, "Hi", logprobs=2).json["choices"][0]["logprobs"]
    assert found["tokens"] == ["a", "b", "c"] and found["text_offset"] == [0, 1, 2]
    assert len(found["token_logprobs"]) == len(found["top_logprobs"]) == 3
    assert server.engine.requests[-1].sampling.top_logprobs == 2


def test_echo_with_logprobs_has_those_of_the_prompt(start: Any) -> None:
    server = start(lambda: FakeEngine("çok"))
    reply = complete(server, "Şu an", echo=True, logprobs=2, max_tokens=2)
    (choice,) = reply.json["choices"]
    found = choice["logprobs"]
    assert choice["text"] == "Şu ançok"[:-1]
    assert found["tokens"] == list(choice["text"]) and found["text_offset"] == list(range(7))
    assert found["token_logprobs"] == [None, -0.125, -0.25, -0.375, -0.5, -0.25, -0.25]
    assert found["top_logprobs"][0] is None
    assert found["top_logprobs"][1] == {"u": -0.125, "\0": -2.0}
    assert server.engine.requests[-1].prompt_logprobs == 2
    assert complete(server, "a", logprobs=2).status == 200
    assert server.engine.requests[-1].prompt_logprobs is None


def test_a_stream_has_the_same_logprobs(start: Any) -> None:
    server = start(lambda: FakeEngine("abc"))
    fields = {"echo": True, "logprobs": 1, "n": 2}
    whole = complete(server, ["Hi", "there"], **fields).json["choices"]
    parts: dict[int, dict[str, list[Any]]] = {}
    for event in complete(server, ["Hi", "there"], stream=True, **fields).events[:-1]:
        for choice in event["choices"]:
            lists = parts.setdefault(choice["index"], {})
            for name, values in choice["logprobs"].items():
                lists.setdefault(name, []).extend(values)
    assert parts == {choice["index"]: choice["logprobs"] for choice in whole}


def loglikelihoods(reply: Any, contexts: list[int]) -> list[tuple[float, bool]]:
    """What lm-eval reads: the sum behind a context, without the one generated token."""
    found = []
    choices = sorted(reply.json["choices"], key=lambda choice: choice["index"])
    for choice, context in zip(choices, contexts, strict=True):
        logprobs = choice["logprobs"]["token_logprobs"][context:-1]
        tops = choice["logprobs"]["top_logprobs"][context:-1]
        greedy = all(own == max(top.values()) for own, top in zip(logprobs, tops, strict=True))
        found.append((sum(logprobs), greedy))
    return found


def test_an_evaluation_reads_loglikelihoods(server: Any) -> None:
    prompts = [list(map(ord, "Paris is big")), list(map(ord, "ab"))]
    fields = {"max_tokens": 1, "logprobs": 1, "echo": True, "temperature": 0, "seed": 1234}
    reply = complete(server, prompts, model="default", **fields)
    assert loglikelihoods(reply, [9, 1]) == [(-0.125 * (9 + 10 + 11), True), (-0.125, True)]
    none = complete(server, prompts, **(fields | {"max_tokens": 0})).json["choices"]
    assert [len(choice["logprobs"]["tokens"]) for choice in none] == [12, 2]
    assert [choice["finish_reason"] for choice in none] == ["length", "length"]
    assert [choice["text"] for choice in none] == ["Paris is big", "ab"]


def test_an_error_about_the_prompts_logprobs_names_the_field(start: Any) -> None:
    error = InvalidArgument("out of range; got 20, allowed 0..12", where="prompt_logprobs")
    server = start(lambda: FakeEngine(fail=error))
    reply = complete(server, echo=True, logprobs=20)
    assert (reply.status, reply.error["param"]) == (400, "logprobs")


def test_what_constrains_and_rules_reaches_the_engine(server: Any) -> None:
    reply = complete(server, guided_regex="a+", stop=["x"], min_tokens=2, return_tokens=True)
    request = server.engine.requests[-1]
    assert request.grammar.kind == "regex" and request.stop == ("x",) and request.min_tokens == 2
    assert reply.json["choices"][0]["tokens"]


def test_a_suffix_stands_behind_the_answer(start: Any) -> None:
    server = start(lambda: FakeEngine("x", infill=(1, 2, 3)))
    reply = complete(server, ["ab", [99]], suffix="ç", echo=True)
    asked = [tuple(request.tokens) for request in server.engine.requests[-2:]]
    assert asked == [(1, 97, 98, 2, 231, 3), (1, 99, 2, 231, 3)]
    assert [choice["text"] for choice in reply.json["choices"]] == ["abx", "cx"]
    reply = complete(server, suffix="b", echo=True, logprobs=1)
    assert (reply.status, reply.error["param"]) == (400, "suffix")
    assert complete(server, "a", suffix="").status == complete(server, suffix=None).status == 200
    assert server.engine.requests[-1].text == "Once"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt.1"),
        ({"prompt": ["a"] * 129}, "prompt"),
        ({"prompt": [0x110000]}, "prompt"),
        ({"prompt": "a", "suffix": "b"}, "suffix"),  # the vocabulary has no tokens for it
        ({"prompt": "a", "suffix": 1}, "suffix"),
        ({"prompt": "a", "best_of": 2}, "best_of"),
        ({"prompt": "a", "logprobs": 21}, "logprobs"),
        ({"prompt": "a", "logprobs": True}, "logprobs"),
        ({"prompt": "a", "grammar": "x" * 65537}, "grammar"),
    ],
)
def test_refused(server: Any, fields: dict[str, Any], param: str) -> None:
    reply = server.post("/v1/completions", fields)
    assert (reply.status, reply.error["param"]) == (400, param)


def test_the_official_client(server: Any) -> None:
    from openai import OpenAI

    with OpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
        made = client.completions.create(model="default", prompt=["a", "b"], max_tokens=50)
        assert [choice.text for choice in made.choices] == ["You said: a", "You said: b"]
        parts = client.completions.create(model="default", prompt="a", max_tokens=50, stream=True)
        assert "".join(part.choices[0].text for part in parts if part.choices) == "You said: a"


def test_the_chosen_token_is_among_the_alternatives(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, best = TokenLogprob(97, b"a", -5.0), TokenLogprob(98, b"b", -0.5)
    monkeypatch.setattr(fake, "_logprobs", lambda *_: (ChosenLogprob(chosen, (best,)),))
    reply = start(lambda: FakeEngine("a")).post("/v1/completions", {"prompt": "x", "logprobs": 1})
    assert reply.json["choices"][0]["logprobs"]["top_logprobs"] == [{"b": -0.5, "a": -5.0}]
