# SPDX-License-Identifier: AGPL-3.0-only
"""A smaller model drafts tokens: fewer steps, the same text, and only for a model that it fits.

It is asked for here, so that it drafts on every processor. Where llama.cpp multiplies, "the same
text" holds up to rounding; tests/choices.py says what that is.
"""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

import models
from choices import check_same_text, rounds_alike
from engine_tools import GREEDY, prompt_tokens, read, seeded, side_by_side
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.engine.memory.plan import plan_memory
from sentiric_llama.errors import InvalidArgument, ModelInvalid, ModelNotFound, NotSupported
from sentiric_llama.types import Completion, EngineConfig, EngineStats, SamplingParams

MESSAGES = [{"role": "user", "content": "How do I stop the service?"}]


def settings(**others: Any) -> dict[str, Any]:
    return {"contexts": 1, "context_size": 512, "compute_threads": 1} | others


def drafting(model: Path) -> dict[str, Any]:
    return {"draft_model": str(model), "speculation": "draft"}


def answer(engine: Engine, sampling: SamplingParams) -> Completion:
    stream = engine.stream_chat(MESSAGES, sampling, max_tokens=150, ignore_eos=True)
    return Completion.join(list(stream))


@pytest.mark.parametrize("layout", ["split", "unified"])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_a_model_that_drafts_for_itself(guide_path: Path, layout: str, seed: int | None) -> None:
    sampling = GREEDY if seed is None else seeded(seed)
    options = settings(kv_layout=layout)
    with Engine(str(guide_path), **options, speculation="off") as engine:
        plain = answer(engine, sampling)
        plain_steps = engine.stats().steps
    with Engine(str(guide_path), **options, **drafting(guide_path)) as engine:
        drafted = answer(engine, sampling)
        stats = engine.stats()
        prompt = engine.tokenize_chat(MESSAGES)
        check_same_text(engine, prompt, drafted.tokens, plain.tokens, sampling)
    assert stats.accepted_draft_tokens > 0
    assert stats.steps + stats.accepted_draft_tokens == plain_steps
    assert drafted.timings.draft_n_accepted == stats.accepted_draft_tokens
    assert stats.draft_failures == 0


@pytest.mark.parametrize("layout", ["split", "unified"])
def test_nearly_all_of_its_own_drafts_are_accepted(tiny_q8_0: Path, layout: str) -> None:
    prompt = prompt_tokens(40, 3)
    options = settings(kv_layout=layout)

    def run(engine: Engine) -> tuple[list[int], EngineStats]:
        tokens = read(engine.stream(prompt, GREEDY, max_tokens=120, ignore_eos=True))
        return tokens, engine.stats()

    with Engine(str(tiny_q8_0), **options, speculation="off") as engine:
        plain, without = run(engine)
    with Engine(str(tiny_q8_0), **options, **drafting(tiny_q8_0)) as engine:
        drafted, stats = run(engine)
        check_same_text(engine, prompt, drafted, plain, GREEDY)
    assert stats.accepted_draft_tokens >= 0.9 * stats.drafted_tokens > 0
    assert stats.steps + stats.accepted_draft_tokens == without.steps


def test_the_next_turn_and_other_streams_find_it_in_step(guide_path: Path) -> None:
    options = settings(contexts=3, kv_layout="unified")
    turn = {"role": "assistant", "content": "Send it SIGTERM."}
    chats = [[*[*MESSAGES, turn] * count, *MESSAGES] for count in range(3)]

    def run(engine: Engine, messages: list[dict[str, str]]) -> list[int]:
        return read(engine.stream_chat(messages, GREEDY, max_tokens=60))

    with Engine(str(guide_path), **options, **drafting(guide_path)) as engine:
        together = side_by_side(*[partial(run, engine, messages) for messages in chats])
        alone = [run(engine, messages) for messages in chats]
        stats = engine.stats()
    with Engine(str(guide_path), **options, speculation="off") as engine:
        for number, messages in enumerate(chats):
            prompt, plain = engine.tokenize_chat(messages), run(engine, messages)
            check_same_text(engine, prompt, together[number], plain, GREEDY)
            check_same_text(engine, prompt, alone[number], plain, GREEDY)
    assert stats.draft_failures == 0
    assert stats.accepted_draft_tokens > 0


def test_a_model_with_other_weights_changes_no_text(tiny_q8_0: Path, small_q8_0: Path) -> None:
    prompt = prompt_tokens(300, 5)  # read by the draft model in parts

    def run(engine: Engine) -> list[int]:
        return read(engine.stream(prompt, GREEDY, max_tokens=40, ignore_eos=True))

    with Engine(str(tiny_q8_0), **settings(speculation="off")) as engine:
        plain = run(engine)
        assert engine.stats().drafted_tokens == 0
    with Engine(str(tiny_q8_0), **settings(), **drafting(small_q8_0)) as engine:
        drafted = run(engine)
        assert engine.stats().drafted_tokens > 0
        check_same_text(engine, prompt, drafted, plain, GREEDY)


def test_another_vocabulary_is_refused(tiny_q8_0: Path, qwen2_q8_0: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"\[draft_model\].*vocabulary") as caught:
        Engine(str(qwen2_q8_0), **settings(**drafting(tiny_q8_0)))
    assert qwen2_q8_0.name in str(caught.value) and tiny_q8_0.name in str(caught.value)
    with pytest.raises(InvalidArgument, match=r"\[draft_model\].*vocabulary"):
        plan_memory(EngineConfig(str(qwen2_q8_0), **settings(**drafting(tiny_q8_0))))


def test_what_is_no_model_is_refused(tiny_q8_0: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"\[draft_model\]"):
        Engine(str(tiny_q8_0), **settings(**drafting(tmp_path / "absent.gguf")))
    (tmp_path / "odd.gguf").write_bytes(b"odd")
    with pytest.raises(ModelInvalid, match=r"\[draft_model\]"):
        Engine(str(tiny_q8_0), **settings(**drafting(tmp_path / "odd.gguf")))


def test_it_drafts_alone_or_not_at_all(tiny_q8_0: Path) -> None:
    own = settings(draft_model=str(tiny_q8_0))
    with pytest.raises(InvalidArgument, match="speculation"):
        Engine(str(tiny_q8_0), **own, speculation="ngram")
    with pytest.raises(InvalidArgument, match=r"speculation.*draft without"):
        Engine(str(tiny_q8_0), **settings(speculation="draft"))
    for switch in ({"speculation": "off"}, {"deterministic": True}):
        with Engine(str(tiny_q8_0), **own, **switch) as engine:
            read(engine.stream(prompt_tokens(40), GREEDY, max_tokens=40, ignore_eos=True))
            assert engine.stats().drafted_tokens == 0


@pytest.mark.parametrize("layout", ["split", "unified"])
def test_unasked_it_drafts_only_where_no_text_can_change(
    guide_path: Path, layout: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And says so once, and how to have it all the same; the plan agrees."""
    own = settings(draft_model=str(guide_path), kv_layout=layout)
    with caplog.at_level(logging.WARNING), Engine(str(guide_path), **own) as engine:
        answer(engine, GREEDY)
        drafts, kind = engine.stats().drafted_tokens > 0, engine.info.speculation
    lines = [line for line in caplog.messages if "draft model" in line]
    plan = plan_memory(EngineConfig(str(guide_path), **own))
    without = plan_memory(EngineConfig(str(guide_path), **settings(kv_layout=layout)))
    assert kind == plan.speculation == ("draft" if rounds_alike() else "off")
    assert drafts == rounds_alike()
    if rounds_alike():
        assert not lines
        assert plan.devices[-1].weights > without.devices[-1].weights
    else:
        (line,) = lines
        assert "is not loaded" in line and "speculation=draft" in line
        assert plan.devices[-1].needed == without.devices[-1].needed


@pytest.mark.parametrize(
    "other", [{"cache_type_k": "q8_0"}, {"flash_attention": "on"}], ids=["cells", "flash"]
)
def test_unasked_it_stays_out_where_llama_multiplies_a_part(
    guide_path: Path, other: dict[str, str]
) -> None:
    own = settings(draft_model=str(guide_path), **other)
    assert plan_memory(EngineConfig(str(guide_path), **own)).speculation == "off"
    asked = own | {"speculation": "draft"}
    assert plan_memory(EngineConfig(str(guide_path), **asked)).speculation == "draft"


def test_the_plan_counts_it(tiny_q8_0: Path, small_q8_0: Path) -> None:
    def host(model: Path, **options: Any) -> Any:
        return plan_memory(EngineConfig(str(model), **settings(**options))).devices[-1]

    alone, draft = host(tiny_q8_0), host(small_q8_0)
    both = host(tiny_q8_0, **drafting(small_q8_0))
    assert both.weights == alone.weights + draft.weights
    assert both.cache == alone.cache + draft.cache
    assert both.compute > alone.compute
    off = host(tiny_q8_0, draft_model=str(small_q8_0), speculation="off")
    assert off.needed == host(tiny_q8_0, speculation="off").needed


@pytest.fixture(scope="module")
def recurrent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The least Mamba with the vocabulary of the tiny models."""
    path = tmp_path_factory.mktemp("models") / "recurrent.gguf"
    width, inner, kernel, state, rank = 32, 64, 4, 16, 4
    writer = gguf.GGUFWriter(path, "mamba")
    vocabulary = gguf.GGUFReader(models.VENDORED / "ggml-vocab-llama-spm.gguf")
    num_tokens = models.copy_tokenizer(vocabulary, writer)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(8192)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_ssm_conv_kernel(kernel)
    writer.add_ssm_inner_size(inner)
    writer.add_ssm_state_size(state)
    writer.add_ssm_time_step_rank(rank)
    writer.add_layer_norm_rms_eps(1e-5)
    for name, shape in {
        "token_embd.weight": (num_tokens, width),
        "output_norm.weight": (width,),
        "blk.0.attn_norm.weight": (width,),
        "blk.0.ssm_in.weight": (2 * inner, width),
        "blk.0.ssm_conv1d.weight": (inner, kernel),
        "blk.0.ssm_conv1d.bias": (inner,),
        "blk.0.ssm_x.weight": (rank + 2 * state, inner),
        "blk.0.ssm_dt.weight": (inner, rank),
        "blk.0.ssm_dt.bias": (inner,),
        "blk.0.ssm_a": (inner, state),
        "blk.0.ssm_d": (inner,),
        "blk.0.ssm_out.weight": (width, inner),
    }.items():
        writer.add_tensor(name, np.full(shape, -0.01, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_recurrent_state_takes_nothing_back(recurrent: Path, tiny_q8_0: Path) -> None:
    with Engine(str(recurrent), **settings()) as engine:  # it is a model that works
        assert len(read(engine.stream([1, 300], GREEDY, max_tokens=3, ignore_eos=True))) == 3
    for target, draft in ((tiny_q8_0, recurrent), (recurrent, tiny_q8_0)):
        with pytest.raises(NotSupported, match=r"\[draft_model\].*recurrent"):
            Engine(str(target), **settings(**drafting(draft)))
