# SPDX-License-Identifier: AGPL-3.0-only
"""LoRA adapters: side by side in one engine, each text its own, never the wrong weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import models
from engine_tools import GREEDY, prompt_tokens, side_by_side
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import InvalidArgument, ModelInvalid, ModelNotFound, Overloaded
from sentiric_llama.types import Completion

PROMPT = prompt_tokens(60)
BASE: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("adapters")
    for name in ("legal", "medical", "poems"):
        models.adapter(name, "tiny-q8_0", path / f"{name}.gguf")
    (path / "broken.gguf").write_bytes(b"GGUF" + bytes(100))
    models.adapter("outside", "tiny-q8_0", path.parent / "outside.gguf")
    return path


@pytest.fixture
def engine(tiny_q8_0: Path, folder: Path) -> Iterator[Engine]:
    with Engine(
        str(tiny_q8_0),
        contexts=4,
        context_size=256,
        compute_threads=1,
        lora_dir=str(folder),
        max_adapters=2,
        queue_limit=64,
    ) as engine:
        yield engine


def generate(engine: Engine, *names: str, scale: float = 1.0, count: int = 16) -> Completion:
    uses = [(name, scale) for name in names]
    stream = engine.stream(PROMPT, GREEDY, max_tokens=count, ignore_eos=True, adapters=uses)
    return Completion.join(list(stream))


def test_side_by_side_each_text_is_its_own(engine: Engine) -> None:
    sets = [BASE, ("legal",), ("medical",), ("legal", "medical")]
    alone = [generate(engine, *names).tokens for names in sets]
    assert len(set(alone)) == len(sets)  # the weights matter
    together = side_by_side(*[lambda n=names: generate(engine, *n) for names in sets * 3])
    assert [answer.tokens for answer in together] == alone * 3


def test_prefixes_are_keyed_by_adapter_and_scale(engine: Engine) -> None:
    assert generate(engine).usage.cached_tokens == 0
    assert generate(engine, "legal").usage.cached_tokens == 0
    assert generate(engine, "legal", scale=0.5).usage.cached_tokens == 0
    assert generate(engine, "legal").usage.cached_tokens == 58
    assert generate(engine).usage.cached_tokens == 58


def test_the_order_of_names_does_not_matter(engine: Engine) -> None:
    first = generate(engine, "legal", "medical")
    again = generate(engine, "medical", "legal")
    assert again.tokens == first.tokens
    assert again.usage.cached_tokens == 58


def test_only_an_idle_adapter_makes_room(engine: Engine) -> None:
    for name in ("legal", "medical", "poems"):
        generate(engine, name)
    assert engine.stats().adapters_loaded == 2
    with (
        engine.stream(PROMPT, GREEDY, max_tokens=150, adapters=[("legal", 1)]) as a,
        engine.stream(PROMPT, GREEDY, max_tokens=150, adapters=[("medical", 1)]) as b,
    ):
        next(a), next(b)
        with pytest.raises(Overloaded, match="in use"):
            generate(engine, "poems")
    assert generate(engine, "poems").tokens


@pytest.mark.parametrize("name", ["absent", "../outside", "/etc/passwd", ".", "legal.gguf"])
def test_a_name_that_is_no_adapter_is_never_the_model_alone(engine: Engine, name: str) -> None:
    with pytest.raises(ModelNotFound, match="lora_adapter"):
        generate(engine, name)


def test_a_file_that_is_none_says_so(engine: Engine) -> None:
    with pytest.raises(ModelInvalid, match="lora_adapter"):
        generate(engine, "broken")
    assert generate(engine, "legal").tokens


def test_scales_and_numbers_have_bounds(engine: Engine) -> None:
    with pytest.raises(InvalidArgument, match="scale"):
        generate(engine, "legal", scale=11)
    with pytest.raises(InvalidArgument, match="count"):
        generate(engine, *["legal"] * 9)


def test_without_a_folder_there_are_none(tiny_q8_0: Path) -> None:
    with (
        Engine(str(tiny_q8_0), contexts=1, context_size=128, compute_threads=1) as engine,
        pytest.raises(ModelNotFound, match="LORA_DIR"),
    ):
        generate(engine, "legal")
