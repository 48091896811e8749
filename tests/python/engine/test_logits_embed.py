# SPDX-License-Identifier: AGPL-3.0-only
"""logits(), embed(), tokenize() and info: plain numbers about the model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine_tools import GREEDY, prompt_tokens, read, seeded
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import InvalidArgument


@pytest.mark.parametrize("length", [1, 2, 64, 65, 200])
def test_logits_are_one_row_for_each_token(tiny: Engine, length: int) -> None:
    rows = tiny.logits(prompt_tokens(length))
    assert rows.shape == (length, tiny.info.num_vocab)
    assert rows.dtype == np.float32
    assert rows.flags["C_CONTIGUOUS"]
    assert np.isfinite(rows).all()


def test_the_last_row_chooses_the_first_greedy_token(tiny: Engine) -> None:
    for length in (2, 9, 64, 65, 130):
        prompt = prompt_tokens(length)
        greedy = read(tiny.stream(prompt, GREEDY, max_tokens=1))
        assert [int(tiny.logits(prompt)[-1].argmax())] == greedy


def test_a_row_depends_on_what_is_before_it_only(tiny: Engine) -> None:
    prompt = prompt_tokens(40)
    assert np.array_equal(tiny.logits(prompt)[:20], tiny.logits(prompt[:20]))


def test_logits_are_the_same_again_and_among_streams(tiny: Engine) -> None:
    prompt = prompt_tokens(70)
    rows = tiny.logits(prompt)
    solo = read(tiny.stream(prompt, seeded(1), max_tokens=60, ignore_eos=True))
    with tiny.stream(prompt, seeded(1), max_tokens=60, ignore_eos=True) as stream:
        head = list(next(stream).tokens)
        assert np.array_equal(tiny.logits(prompt), rows)
        assert head + read(stream) == solo


def test_the_callers_array_stays_valid(tiny: Engine) -> None:
    rows = tiny.logits([1, 500, 600])
    copy = rows.copy()
    for seed in range(5):
        tiny.logits(prompt_tokens(30, seed))
    assert np.array_equal(rows, copy)
    rows[0, 0] = 7.0  # it is the caller's own


def test_token_ids_may_be_an_array(tiny: Engine) -> None:
    ids = np.array(prompt_tokens(5))
    assert np.array_equal(tiny.logits(ids), tiny.logits(ids.tolist()))  # type: ignore[arg-type]
    assert read(tiny.stream(ids, GREEDY, max_tokens=3)) == read(  # type: ignore[arg-type]
        tiny.stream(ids.tolist(), GREEDY, max_tokens=3)
    )


TEXTS = ["Hello world", "Merhaba dünya", "", "a b c d e f g", "🦙"]


def test_embeddings_are_unit_rows(tiny: Engine) -> None:
    rows = tiny.embed(TEXTS)
    assert rows.shape == (len(TEXTS), tiny.info.num_embd)
    assert rows.dtype == np.float32
    assert rows.flags["C_CONTIGUOUS"]
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)


def test_embeddings_are_the_same_again_and_tell_texts_apart(tiny: Engine) -> None:
    rows = tiny.embed(TEXTS)
    assert np.array_equal(tiny.embed(TEXTS), rows)
    assert np.array_equal(tiny.embed(TEXTS[1]), rows[1:2])
    likeness = rows @ rows.T
    assert (likeness[~np.eye(len(TEXTS), dtype=bool)] < 0.999).all()


def test_token_ids_give_the_vector_of_their_text(tiny: Engine) -> None:
    ids = [tiny.tokenize(text, add_special=True) for text in TEXTS]
    rows = tiny.embed(TEXTS[:1], ids)
    assert np.array_equal(rows, np.concatenate((tiny.embed(TEXTS[:1]), tiny.embed(TEXTS))))
    assert np.array_equal(tiny.embed([], ids), tiny.embed(TEXTS))


def test_no_text_no_row(tiny: Engine) -> None:
    assert tiny.embed([]).shape == (0, tiny.info.num_embd)


WRONG: list[Callable[[Engine], object]] = [
    lambda e: e.logits([]),
    lambda e: e.logits([-1]),
    lambda e: e.logits([32000]),
    lambda e: e.logits([5] * 513),
    lambda e: e.logits("abc"),  # type: ignore[arg-type]
    lambda e: e.logits(5),  # type: ignore[arg-type]
    lambda e: e.embed([5]),  # type: ignore[list-item]
    lambda e: e.embed(["word " * 5000]),
    lambda e: e.embed(["\ud800"]),
    lambda e: e.tokenize(5),  # type: ignore[arg-type]
    lambda e: e.tokenize("\ud800"),
    lambda e: e.detokenize([-1]),
    lambda e: e.detokenize([32000]),
    lambda e: e.detokenize(["a"]),  # type: ignore[list-item]
    lambda e: e.render_chat([{"role": "user", "content": "\ud800"}]),
    lambda e: e.tokenize_chat([{"role": "user", "content": "\ud800"}]),
]


@pytest.mark.parametrize("ask", WRONG, ids=range(len(WRONG)))
def test_wrong_arguments_are_named(tiny: Engine, ask: Callable[[Engine], object]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        ask(tiny)
    assert caught.value.where


@pytest.mark.parametrize("text", ["", "Hello, world!", "çğış 🦙 日本語", "a\n\n  b\tc", "a\0b"])
def test_tokens_and_text_go_both_ways(tiny: Engine, guide: Engine, text: str) -> None:
    assert tiny.detokenize(tiny.tokenize(text)).removeprefix(" ") == text
    assert guide.detokenize(guide.tokenize(text)) == text


def test_info_is_the_models(tiny: Engine, guide: Engine) -> None:
    info = tiny.info
    assert (info.num_vocab, info.num_embd, info.num_layers) == (32000, 256, 4)
    assert (info.contexts, info.context_size, info.context_train) == (8, 512, 8192)
    assert (info.architecture, info.quantization, info.can_shift) == ("llama", "Q8_0", True)
    assert (info.bos, info.eos) == (1, 2)
    assert guide.info.chat_template_source == "model"
    assert "<|im_start|>" in guide.info.chat_template
