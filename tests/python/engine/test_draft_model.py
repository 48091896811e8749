# SPDX-License-Identifier: AGPL-3.0-only
"""A smaller model guesses: fewer steps, the same text, and only for a model that it fits."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

import models
from engine_tools import GREEDY, prompt_tokens, read, seeded, side_by_side
from sentiric_llama.engine import Engine
from sentiric_llama.errors import InvalidArgument, ModelInvalid, ModelNotFound, NotSupported
from sentiric_llama.memory import plan_memory
from sentiric_llama.types import Completion, EngineConfig, EngineStats, SamplingParams

MESSAGES = [{"role": "user", "content": "How do I stop the service?"}]


def settings(**others: Any) -> dict[str, Any]:
    return {"contexts": 1, "context_size": 512, "threads": 1} | others


def answer(engine: Engine, sampling: SamplingParams) -> Completion:
    stream = engine.stream_chat(MESSAGES, sampling, max_tokens=150, ignore_eos=True)
    return Completion.join(list(stream))


@pytest.mark.parametrize("layout", ["split", "unified"])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_a_model_that_guesses_for_itself(guide_path: Path, layout: str, seed: int | None) -> None:
    sampling = GREEDY if seed is None else seeded(seed)
    options = settings(kv_layout=layout)
    with Engine(str(guide_path), **options, speculation="off") as engine:
        plain = answer(engine, sampling)
        plain_steps = engine.stats().steps
    with Engine(str(guide_path), **options, draft_model=str(guide_path)) as engine:
        drafted = answer(engine, sampling)
        stats = engine.stats()
    assert drafted.tokens == plain.tokens
    assert stats.accepted_draft_tokens > 0
    assert stats.steps + stats.accepted_draft_tokens == plain_steps
    assert drafted.timings.draft_n_accepted == stats.accepted_draft_tokens
    assert stats.draft_failures == 0


@pytest.mark.parametrize("layout", ["split", "unified"])
def test_nearly_all_of_its_own_guesses_are_right(tiny_q8_0: Path, layout: str) -> None:
    prompt = prompt_tokens(40, 3)
    options = settings(kv_layout=layout)

    def run(**others: Any) -> tuple[list[int], EngineStats]:
        with Engine(str(tiny_q8_0), **options, **others) as engine:
            tokens = read(engine.stream(prompt, GREEDY, max_tokens=120, ignore_eos=True))
            return tokens, engine.stats()

    plain, without = run(speculation="off")
    drafted, stats = run(draft_model=str(tiny_q8_0))
    assert drafted == plain
    assert stats.accepted_draft_tokens >= 0.9 * stats.drafted_tokens > 0
    assert stats.steps + stats.accepted_draft_tokens == without.steps


def test_the_next_turn_and_other_streams_find_it_in_step(guide_path: Path) -> None:
    options = settings(contexts=3, kv_layout="unified")
    turn = {"role": "assistant", "content": "Send it SIGTERM."}
    chats = [[*[*MESSAGES, turn] * count, *MESSAGES] for count in range(3)]

    def run(engine: Engine, messages: list[dict[str, str]]) -> list[int]:
        return read(engine.stream_chat(messages, GREEDY, max_tokens=60))

    with Engine(str(guide_path), **options, draft_model=str(guide_path)) as engine:
        together = side_by_side(*[partial(run, engine, messages) for messages in chats])
        alone = [run(engine, messages) for messages in chats]
        stats = engine.stats()
    with Engine(str(guide_path), **options, speculation="off") as engine:
        assert together == alone == [run(engine, messages) for messages in chats]
    assert stats.draft_failures == 0
    assert stats.accepted_draft_tokens > 0


def test_a_model_with_other_weights_changes_no_text(tiny_q8_0: Path, small_q8_0: Path) -> None:
    prompt = prompt_tokens(300, 5)  # read by the draft model in parts

    def run(**options: Any) -> tuple[list[int], int]:
        with Engine(str(tiny_q8_0), **settings(), **options) as engine:
            tokens = read(engine.stream(prompt, GREEDY, max_tokens=40, ignore_eos=True))
            return tokens, engine.stats().drafted_tokens

    plain, none = run()
    drafted, some = run(draft_model=str(small_q8_0))
    assert drafted == plain
    assert none == 0 < some


def test_another_vocabulary_is_refused(tiny_q8_0: Path, qwen2_q8_0: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"\[draft_model\].*vocabulary") as caught:
        Engine(str(qwen2_q8_0), **settings(draft_model=str(tiny_q8_0)))
    assert qwen2_q8_0.name in str(caught.value) and tiny_q8_0.name in str(caught.value)
    with pytest.raises(InvalidArgument, match=r"\[draft_model\].*vocabulary"):
        plan_memory(EngineConfig(str(qwen2_q8_0), **settings(draft_model=str(tiny_q8_0))))


def test_what_is_no_model_is_refused(tiny_q8_0: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"\[draft_model\]"):
        Engine(str(tiny_q8_0), **settings(draft_model=str(tmp_path / "absent.gguf")))
    (tmp_path / "odd.gguf").write_bytes(b"odd")
    with pytest.raises(ModelInvalid, match=r"\[draft_model\]"):
        Engine(str(tiny_q8_0), **settings(draft_model=str(tmp_path / "odd.gguf")))


def test_it_guesses_alone_or_not_at_all(tiny_q8_0: Path) -> None:
    own = settings(draft_model=str(tiny_q8_0))
    with pytest.raises(InvalidArgument, match="speculation"):
        Engine(str(tiny_q8_0), **own, speculation="ngram")
    for switch in ({"speculation": "off"}, {"deterministic": True}):
        with Engine(str(tiny_q8_0), **own, **switch) as engine:
            read(engine.stream(prompt_tokens(40), GREEDY, max_tokens=40, ignore_eos=True))
            assert engine.stats().drafted_tokens == 0


def test_the_plan_counts_it(tiny_q8_0: Path, small_q8_0: Path) -> None:
    def host(model: Path, **options: Any) -> Any:
        return plan_memory(EngineConfig(str(model), **settings(**options))).devices[-1]

    alone, draft = host(tiny_q8_0), host(small_q8_0)
    both = host(tiny_q8_0, draft_model=str(small_q8_0))
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
            Engine(str(target), **settings(draft_model=str(draft)))
