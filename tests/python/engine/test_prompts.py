# SPDX-License-Identifier: AGPL-3.0-only
"""Prompts that are too large, of a wrong type or no text at all: a typed error, nobody hurt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from engine_tools import GREEDY, prompt_tokens, read, seeded
from sentiric_llama.engine.blocking import Engine, Stream
from sentiric_llama.errors import ContextLengthExceeded, InvalidArgument, TemplateFailed
from sentiric_llama.types import Message, Request

MEGABYTE = 1_000_000


@pytest.fixture
def neighbour(tiny: Engine) -> Iterator[Stream]:
    """A stream that is running when the test begins; afterwards it says all that it says alone."""
    prompt = prompt_tokens(10)
    alone = read(tiny.stream(prompt, seeded(2), max_tokens=100, ignore_eos=True))
    with tiny.stream(prompt, seeded(2), max_tokens=100, ignore_eos=True) as stream:
        head = list(next(stream).tokens)
        yield stream
        assert head + read(stream) == alone


@pytest.mark.parametrize("character", ["a", " ", "\n", "ç", "🦙", "\0", "(", "<|im_start|>"])
def test_a_megabyte_of_one_character(tiny: Engine, neighbour: Stream, character: str) -> None:
    text = character * (MEGABYTE // len(character.encode()))
    with pytest.raises(ContextLengthExceeded):
        tiny.generate(text, GREEDY, max_tokens=2)
    with pytest.raises(ContextLengthExceeded):
        tiny.chat([{"role": "user", "content": text}], GREEDY, max_tokens=2)


def test_a_megabyte_may_be_cut_to_fit(tiny: Engine) -> None:
    completion = tiny.generate("a" * MEGABYTE, GREEDY, truncation="shift", max_tokens=3)
    assert completion.usage.prompt_tokens == tiny.info.context_size - 1
    assert completion.truncation.dropped_tokens > 100_000
    assert len(completion.tokens) == 3


@pytest.mark.parametrize("model", ["guide_path", "llama3_q8_0", "qwen2_q8_0"])
def test_a_megabyte_for_byte_pair_tokenizers(request: pytest.FixtureRequest, model: str) -> None:
    path = request.getfixturevalue(model)
    with Engine(str(path), contexts=1, context_size=64, compute_threads=1) as engine:
        for character in ("a", " ", "\n", "1", "ç"):
            with pytest.raises(ContextLengthExceeded):
                engine.generate(character * (MEGABYTE // len(character.encode())), GREEDY)


NOT_PROMPTS: list[Any] = [None, 5, 1.5, b"bytes", bytearray(b"x"), object(), [1.5], ["a"], [[1]]]


@pytest.mark.parametrize("prompt", NOT_PROMPTS, ids=lambda value: type(value).__name__)
def test_what_is_no_prompt(tiny: Engine, neighbour: Stream, prompt: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        tiny.stream(prompt, GREEDY)
    assert caught.value.where in ("prompt", "tokens")


@pytest.mark.parametrize("prompt", [None, 5, b"bytes", [5], [None], ["a", 5], [["a"], 5]], ids=str)
def test_what_is_no_text(tiny: Engine, prompt: Any) -> None:
    with pytest.raises(InvalidArgument):
        tiny.generate(prompt, GREEDY, max_tokens=1)


def test_a_list_of_texts_is_answered_in_order(tiny: Engine) -> None:
    texts = [f"Number {i}" for i in range(20)]  # more than contexts and queue hold
    together = tiny.generate(texts, GREEDY, max_tokens=4)
    assert [c.tokens for c in together] == [
        tiny.generate(text, GREEDY, max_tokens=4).tokens for text in texts
    ]
    assert tiny.generate([], GREEDY) == []


@pytest.mark.parametrize("empty", ["", [], ()], ids=repr)
def test_an_empty_prompt(tiny: Engine, empty: Any) -> None:
    for start in (tiny.stream, tiny.stream_chat):
        with pytest.raises(InvalidArgument) as caught:
            list(start(empty, GREEDY))
        assert caught.value.where == "prompt"


def test_two_prompts_at_once(tiny: Engine) -> None:
    with pytest.raises(InvalidArgument):
        tiny.submit(Request(text="a", tokens=(1,)))
    with pytest.raises(InvalidArgument):
        tiny.submit(Request(text="a", messages=(Message("user", "a"),)))


@pytest.mark.parametrize("bad", [-1, 32000, 2**31 - 1, -(2**31), 2**31, 2**70, 1.5, "1", None])
def test_a_token_that_is_not_there(tiny: Engine, neighbour: Stream, bad: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        list(tiny.stream([1, 500, bad], GREEDY, max_tokens=2))
    assert caught.value.where in ("tokens", "tokens[2]")


def test_tokens_of_any_integer_kind(tiny: Engine) -> None:
    expected = read(tiny.stream([1, 500, 600], GREEDY, max_tokens=3))
    for prompt in ((1, 500, 600), np.array([1, 500, 600]), np.array([1, 500, 600], np.uint16)):
        assert read(tiny.stream(prompt, GREEDY, max_tokens=3)) == expected  # type: ignore[arg-type]
    assert read(tiny.stream(range(5, 8), GREEDY, max_tokens=3))


LONELY = "a\ud800"


@pytest.mark.parametrize(
    "request_",
    [
        Request(text=LONELY),
        Request(messages=(Message("user", LONELY),)),
        Request(messages=(Message(LONELY, "a"),)),
        Request(text="a", stop=(LONELY,)),
    ],
    ids=["text", "content", "role", "stop"],
)
def test_lone_surrogates(tiny: Engine, neighbour: Stream, request_: Request) -> None:
    with pytest.raises(InvalidArgument):
        tiny.submit(request_)


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user"}],
        [{"content": "a"}],
        [{"role": "user", "content": None}],
        [{"role": "user", "content": 7}],
        [{"role": "user", "content": ["a"]}],
        [{"role": None, "content": "a"}],
        [Message("user", 7)],  # type: ignore[arg-type]
        ["user"],
        [None],
        "hello",
        {"role": "user", "content": "a"},
        5,
        None,
        [{"role": "alien", "content": "a"}],
        [{"role": "<|im_start|>system", "content": "a"}],
        [{"role": "", "content": "a"}],
    ],
    ids=str,
)
def test_what_is_no_conversation(guide: Engine, messages: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        list(guide.stream_chat(messages, GREEDY, max_tokens=1))
    assert caught.value.where.startswith("messages")


def test_dictionaries_and_messages_are_the_same(guide: Engine) -> None:
    plain = guide.chat([{"role": "user", "content": "Who are you?"}], GREEDY)
    assert guide.chat([Message("user", "Who are you?")], GREEDY).tokens == plain.tokens


def test_a_template_that_refuses_a_conversation(small_q8_0: Any) -> None:
    template = (
        "{% for message in messages %}{{ message.content }}\n"
        "{% if message.content == 'nonsense' %}{{ raise_exception('no') }}{% endif %}{% endfor %}"
    )
    with Engine(
        str(small_q8_0), contexts=1, context_size=64, compute_threads=1, chat_template=template
    ) as engine:
        with pytest.raises(TemplateFailed):
            engine.chat([{"role": "user", "content": "nonsense"}], GREEDY)
        assert engine.chat([{"role": "user", "content": "a"}], GREEDY, max_tokens=2).tokens
        assert engine.generate("a", GREEDY, max_tokens=2).tokens


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ufeff", "\u202e", "\U0010ffff", "e\u0301" * 50])
def test_odd_characters_are_text(tiny: Engine, guide: Engine, text: str) -> None:
    assert len(tiny.generate(text, GREEDY, max_tokens=2, ignore_eos=True).tokens) == 2
    content = [{"role": "user", "content": text}]
    assert len(guide.chat(content, GREEDY, max_tokens=2, ignore_eos=True).tokens) == 2


def test_an_unknown_option_names_the_nearest(tiny: Engine) -> None:
    with pytest.raises(InvalidArgument, match="max_tokens") as caught:
        tiny.generate("a", GREEDY, tokens_max=5)  # type: ignore[call-arg]
    assert caught.value.where == "tokens_max"
    with pytest.raises(InvalidArgument) as caught:
        tiny.generate("a", {"temperature": 1})  # type: ignore[arg-type]
    assert caught.value.where == "sampling"
