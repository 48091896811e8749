# SPDX-License-Identifier: AGPL-3.0-only
"""Names before files: an adapter's name opens a sound file of the folder, or nothing."""

from __future__ import annotations

import asyncio
import ctypes
import os
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gguf
import numpy as np
import pytest

import models
from engine_tools import GREEDY, prompt_tokens
from sentiric_llama.engine.aio import AsyncEngine
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import (
    InvalidArgument,
    ModelInvalid,
    ModelNotFound,
    Overloaded,
    SentiricLlamaError,
)
from sentiric_llama.models import AdapterFiles
from sentiric_llama.models import adapters as adapter_files
from sentiric_llama.types import Completion

PROMPT = prompt_tokens(20)
Change = Callable[[gguf.GGUFWriter], None]

INSIDE = ("legal", "medical", "poems", "alias")
NOT_THERE = (
    *("absent", "pipe", "linked-pipe", "folder", "zero", "escape", "absolute", "loop"),
    *("../outside", "sub/legal", "/dev/zero", ".", "..", ".hidden", "legal.gguf", "a\\b"),
    *("legal\0", "\0legal", "../pipe", "../outside\0", "legal\n", "le\tgal", "legal\x1b[0m"),
    *("\uff0e\uff0e\uff0foutside", "\u2025/outside", "..\u2215outside", "legal\u202e", "\x85"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("around") / "adapters"
    (path / "sub").mkdir(parents=True)
    (path / "folder.gguf").mkdir()
    for name in ("legal", "medical", "poems", "sub/legal"):
        models.adapter(name, "tiny-q8_0", path / f"{name}.gguf")
    models.adapter("outside", "tiny-q8_0", path.parent / "outside.gguf")
    for pipe in (path / "pipe.gguf", path.parent / "pipe.gguf"):
        os.mkfifo(pipe)
    for name, target in (
        ("alias", "legal.gguf"),
        ("linked-pipe", "pipe.gguf"),
        ("zero", "/dev/zero"),
        ("escape", "../outside.gguf"),
        ("absolute", str(path.parent / "outside.gguf")),
        ("loop", "loop.gguf"),
    ):
        (path / f"{name}.gguf").symlink_to(target)
    return path


@pytest.fixture(scope="module")
def engine(tiny_q8_0: Path, folder: Path) -> Iterator[Engine]:
    with Engine(
        str(tiny_q8_0),
        contexts=2,
        context_size=128,
        compute_threads=1,
        lora_dir=str(folder),
        max_adapters=2,
        queue_limit=64,
    ) as engine:
        yield engine


def generate(engine: Engine, *names: str, count: int = 4) -> Completion:
    uses = [(name, 1.0) for name in names]
    stream = engine.stream(PROMPT, GREEDY, max_tokens=count, ignore_eos=True, adapters=uses)
    return Completion.join(list(stream))


def test_the_names_are_those_that_requests_may_use(engine: Engine, folder: Path) -> None:
    unreadable = os.fsencode(folder) + b"/legal\xff.gguf"
    with open(unreadable, "wb"):
        assert engine.adapters() == sorted(INSIDE)
    os.remove(unreadable)


class Opens:
    """Counts how often files are opened, by anybody, native code included."""

    IN_OPEN, IN_NONBLOCK = 0x20, 0o4000

    def __init__(self, *paths: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(self.IN_NONBLOCK)
        for path in paths:
            assert libc.inotify_add_watch(self._fd, os.fsencode(path), self.IN_OPEN) >= 0

    def count(self) -> int:
        try:
            return len(os.read(self._fd, 1 << 20)) // 16
        except BlockingIOError:
            return 0


@pytest.mark.parametrize("name", NOT_THERE)
def test_what_is_no_file_of_the_folder_is_not_found(
    engine: Engine, folder: Path, name: str
) -> None:
    with pytest.raises(ModelNotFound, match="lora_adapter") as caught:
        generate(engine, name)
    assert str(folder.parent) not in str(caught.value)
    assert generate(engine).tokens


def test_links_inside_the_folder_are_followed(engine: Engine) -> None:
    assert generate(engine, "alias").tokens == generate(engine, "legal").tokens


def test_names_have_a_length(engine: Engine) -> None:
    with pytest.raises((ModelNotFound, InvalidArgument), match="lora_adapter"):
        generate(engine, "x" * 129)


def test_a_pipe_holds_up_nobody(engine: Engine, folder: Path) -> None:
    running = engine.stream(PROMPT, GREEDY, max_tokens=60, ignore_eos=True)
    next(running)
    with ThreadPoolExecutor(8) as pool:
        named = [pool.submit(generate, engine, "pipe") for _ in range(8)]
        for answer in named:
            with pytest.raises(ModelNotFound):
                answer.result(60)
    assert generate(engine).tokens
    assert next(iter(list(running)[::-1])).final


def test_two_thousand_names_open_nothing_outside(engine: Engine, folder: Path) -> None:
    outside = [folder.parent / "outside.gguf", folder.parent / "pipe.gguf", folder / "pipe.gguf"]
    opens = Opens(*outside, folder / "folder.gguf", folder / "sub" / "legal.gguf")
    outside[0].read_bytes()
    assert opens.count() == 1  # it sees what it should
    pieces = [
        *("..", ".", "/", "\\", "legal", "outside", "pipe", "escape", "zero", "sub", "folder"),
        *("\0", "\n", "\x1b", " ", "~", "*", "%2e%2e", "%2f", "\uff0f", "\u2025", "\u202e", "é"),
        *(".gguf", ".bin", "/dev/zero", "/proc/self/fd/0", "x" * 70, "alias", "adapters"),
    ]
    chooser = random.Random(2000)
    answered = 0
    for _ in range(2000):
        name = "".join(chooser.choices(pieces, k=chooser.randint(1, 4)))
        try:
            assert generate(engine, name, count=1).tokens
        except (ModelNotFound, InvalidArgument):
            continue
        assert name in INSIDE
        answered += 1
    assert answered > 0
    assert opens.count() == 0
    assert generate(engine).tokens


def test_native_code_looks_at_names_by_itself(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AdapterFiles, "check", lambda *_: None)
    for name in NOT_THERE:
        with pytest.raises(ModelNotFound, match="lora_adapter"):
            generate(engine, name)
    assert generate(engine, "legal").tokens


def written(path: Path, change: Change, skip: str = "") -> Path:
    """An adapter as `models.adapter` makes it for tiny-q8_0, with what `change` adds."""
    recipe = models.RECIPES["tiny-q8_0"]
    writer = gguf.GGUFWriter(path, "llama")
    if skip != "kind":
        writer.add_type("adapter")
    writer.add_string("adapter.type", "lora" if skip != "lora" else "other")
    if skip != "weights":
        for side, shape in (("a", (4, recipe.width)), ("b", (recipe.width, 4))):
            writer.add_tensor(f"blk.0.attn_q.weight.lora_{side}", np.ones(shape, np.float32))
    change(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def tensor(name: str, *shape: int, kind: type[np.generic] = np.float32) -> Change:
    return lambda writer: writer.add_tensor(name, np.ones(shape, kind))


WIDTH = models.RECIPES["tiny-q8_0"].width
DAMAGED: dict[str, tuple[Change, str]] = {
    "kind": (lambda _: None, "kind"),
    "lora": (lambda _: None, "lora"),
    "weights": (lambda _: None, "weights"),
    "alpha": (lambda w: w.add_string("adapter.lora.alpha", "4"), ""),
    "alpha-int": (lambda w: w.add_uint32("adapter.lora.alpha", 4), ""),
    "alpha-nan": (lambda w: w.add_float32("adapter.lora.alpha", float("nan")), ""),
    "alora": (lambda w: w.add_array("adapter.alora.invocation_tokens", ["a"]), ""),
    "alora-text": (lambda w: w.add_string("adapter.alora.invocation_tokens", "1"), ""),
    "one-side": (tensor("blk.0.attn_k.weight.lora_a", 4, WIDTH), ""),
    "stranger": (tensor("blk.0.attn_q.weight", 4, WIDTH), ""),
    "twice": (tensor("blk.0.attn_q.weight.lora_a.lora_a", 4, WIDTH), ""),
    "format": (
        lambda w: (
            tensor("blk.0.attn_output.weight.lora_a", 4, WIDTH, kind=np.int32)(w),
            tensor("blk.0.attn_output.weight.lora_b", WIDTH, 4, kind=np.int32)(w),
        )[0],
        "",
    ),
    "shape": (
        lambda w: (
            tensor("blk.0.attn_output.weight.lora_a", 4, WIDTH // 2)(w),
            tensor("blk.0.attn_output.weight.lora_b", WIDTH, 4)(w),
        )[0],
        "",
    ),
    "rank": (
        lambda w: (
            tensor("token_embd.weight.lora_a", 8, 4)(w),
            tensor("token_embd.weight.lora_b", WIDTH, 5)(w),
        )[0],
        "",
    ),
    "unknown": (
        lambda w: (
            tensor("blk.99.attn_q.weight.lora_a", 4, WIDTH)(w),
            tensor("blk.99.attn_q.weight.lora_b", WIDTH, 4)(w),
        )[0],
        "",
    ),
    "deep": (
        lambda w: (
            tensor("blk.0.attn_output.weight.lora_a", 3, 4, WIDTH)(w),
            tensor("blk.0.attn_output.weight.lora_b", 3, WIDTH, 4)(w),
        )[0],
        "",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_adapter_is_refused_before_native_code_reads_it(
    engine: Engine, folder: Path, name: str
) -> None:
    change, skip = DAMAGED[name]
    path = written(folder / f"damaged-{name}.gguf", change, skip)
    with pytest.raises(ModelInvalid, match="lora_adapter") as caught:
        generate(engine, path.stem)
    assert str(folder) not in str(caught.value)
    assert generate(engine).tokens


def test_a_sound_one_of_the_same_making_loads(engine: Engine, folder: Path) -> None:
    written(folder / "sound.gguf", lambda _: None)
    assert generate(engine, "sound").tokens


def test_an_adapter_of_another_architecture(engine: Engine, folder: Path) -> None:
    writer = gguf.GGUFWriter(folder / "other.gguf", "qwen2")
    writer.add_type("adapter")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ModelInvalid, match="not a LoRA adapter"):
        generate(engine, "other")


def test_damaged_bytes_end_a_call_and_never_the_engine(engine: Engine, folder: Path) -> None:
    whole = (folder / "legal.gguf").read_bytes()
    chooser = random.Random(17)
    kinds: list[type[SentiricLlamaError]] = []
    for index in range(120):
        damaged = bytearray(whole)
        for _ in range(chooser.randint(1, 4)):
            damaged[chooser.randrange(min(1500, len(whole)))] = chooser.randrange(256)
        if index % 5 == 0:
            del damaged[chooser.randrange(len(damaged)) :]
        (folder / "flipped.gguf").write_bytes(damaged)
        try:
            generate(engine, "flipped", count=1)
        except SentiricLlamaError as error:
            kinds.append(type(error))
        generate(engine, "medical", count=1)
        generate(engine, "poems", count=1)  # so that the damaged one is read anew
    assert len(kinds) > 60
    assert ModelNotFound not in kinds
    assert generate(engine, "legal").tokens


def test_what_did_not_change_is_not_read_again(
    engine: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Path] = []
    parse = adapter_files.parse_header
    monkeypatch.setattr(
        adapter_files, "parse_header", lambda path, file: reads.append(path) or parse(path, file)
    )
    path = models.adapter("fresh", "tiny-q8_0", folder / "fresh.gguf")
    for _ in range(3):
        generate(engine, "fresh")
    assert reads == [Path("fresh")]
    os.utime(path, ns=(1, 1))
    generate(engine, "fresh")
    assert reads == [Path("fresh")] * 2


def test_the_event_loop_goes_on_while_a_file_is_read(
    tiny_q8_0: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go = threading.Event()
    check = AdapterFiles.check

    def slow(self: AdapterFiles, names: Iterator[str]) -> None:
        listed = list(names)
        assert not listed or may_go.wait(60)
        check(self, listed)

    monkeypatch.setattr(AdapterFiles, "check", slow)

    async def run() -> None:
        async with await AsyncEngine.open(
            str(tiny_q8_0), contexts=2, context_size=128, compute_threads=1, lora_dir=str(folder)
        ) as engine:
            named = asyncio.create_task(
                engine.generate("a", GREEDY, max_tokens=4, adapters=[("legal", 1.0)])
            )
            plain = await engine.generate("a", GREEDY, max_tokens=4)
            assert plain.tokens and not named.done()
            may_go.set()
            assert (await named).tokens
            with pytest.raises(ModelNotFound):
                await engine.generate("a", GREEDY, adapters=[("pipe", 1.0)])

    asyncio.run(run())


def test_adapters_come_and_go_beside_running_streams(engine: Engine) -> None:
    sets = [(), ("legal",), ("medical",), ("poems",), ("medical", "poems")]
    # Later a text may part from itself where a processor's products round by the batch's shape.
    alone = {names: generate(engine, *names, count=12).tokens[:3] for names in sets}
    assert len(set(alone.values())) == len(sets)
    chooser = random.Random(3)
    asked = [chooser.choice(sets) for _ in range(60)]

    def ask(names: tuple[str, ...]) -> tuple[int, ...] | None:
        try:
            return generate(engine, *names, count=12).tokens[:3]
        except Overloaded:
            return None

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, asked))
    assert all(got in (None, alone[names]) for names, got in zip(asked, answers, strict=True))
    assert sum(got is not None for got in answers) > 20
    assert engine.stats().adapters_loaded <= 2
