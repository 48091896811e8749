# SPDX-License-Identifier: AGPL-3.0-only
"""What conversations have in common is found again by the next process, and by no one else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from engine_tools import GREEDY, difference, prompt_tokens, run_python
from sentiric_llama.engine.blocking import Engine
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.types import Completion, Message

SYSTEM = Message("system", " ".join(f"Rule {n}: be kind." for n in range(20)))
SETTINGS = {"context_size": 512, "compute_threads": 1, "contexts": 2}


def user(seed: int) -> list[Message]:
    """A conversation of its own under the common system prompt."""
    return [SYSTEM, Message("user", f"{seed} birds sat on a wall.")]


def ask(engine: Engine, messages: list[Message], **options: object) -> Completion:
    return engine.chat(messages, GREEDY, max_tokens=8, ignore_eos=True, **options)


def common(engine: Engine) -> int:
    """Tokens with which all of these conversations begin."""
    one, other = engine.tokenize_chat(user(2)), engine.tokenize_chat(user(3))
    return difference(one, other) or 0


def serve_two(path: Path, folder: Path, **settings: object) -> None:
    """Two conversations with one system prompt, and the end of the engine."""
    with Engine(str(path), **{**SETTINGS, "disk_cache_dir": str(folder), **settings}) as engine:
        assert len(ask(engine, user(2)).tokens) == 8
        assert len(ask(engine, user(3)).tokens) == 8


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.kv"))


def test_the_next_process_finds_the_system_prompt(tiny_q8_0: Path, tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_disk_cache import serve_two
serve_two(Path(sys.argv[2]), Path(sys.argv[3]))
"""
    run_python(code, Path(__file__).parent, tiny_q8_0, tmp_path)
    assert len(files(tmp_path)) == 1
    with Engine(str(tiny_q8_0), **SETTINGS) as solo:
        want = ask(solo, user(4))
    with Engine(str(tiny_q8_0), **SETTINGS, disk_cache_dir=str(tmp_path)) as engine:
        answer = ask(engine, user(4))
        stats = engine.stats()
        shared, size = common(engine), len(engine.tokenize_chat(user(4)))
    assert shared > 100
    assert answer.usage.cached_tokens == shared
    assert answer.tokens == want.tokens
    assert stats.prefix_hits_disk == 1
    assert stats.prompt_tokens == size - shared
    assert stats.disk_cache_bytes == sum(path.stat().st_size for path in files(tmp_path))


def test_bits_survive_the_disk(tiny_q8_0: Path, tmp_path: Path) -> None:
    """In the mode in which every text is independent of the load, it is so of a restart."""
    serve_two(tiny_q8_0, tmp_path, deterministic=True)
    with Engine(str(tiny_q8_0), **SETTINGS, prefix_cache=False) as solo:
        want = [ask(solo, user(seed)).tokens for seed in range(4, 9)]
    settings = {**SETTINGS, "deterministic": True, "disk_cache_dir": str(tmp_path)}
    with Engine(str(tiny_q8_0), **settings) as engine:
        assert [ask(engine, user(seed)).tokens for seed in range(4, 9)] == want
        assert engine.stats().prefix_hits_disk == 1


def test_nothing_of_a_single_conversation_is_written(guide_path: Path, tmp_path: Path) -> None:
    with Engine(
        str(guide_path), contexts=2, compute_threads=1, disk_cache_dir=str(tmp_path)
    ) as engine:
        talk = [Message("system", "You are brief. " * 8), Message("user", "My name is Ayla. " * 8)]
        for turn in range(3):
            answer = engine.chat(talk, GREEDY, max_tokens=8)
            engine.chat(talk, GREEDY, max_tokens=12)  # the answer is asked for again
            talk = [*talk, Message("assistant", answer.text), Message("user", f"And {turn}? " * 8)]
    assert files(tmp_path) == []


def test_prompts_without_messages_are_never_written(tiny_q8_0: Path, tmp_path: Path) -> None:
    with Engine(str(tiny_q8_0), **SETTINGS, disk_cache_dir=str(tmp_path)) as engine:
        for seed in (2, 3):
            tokens = prompt_tokens(100) + prompt_tokens(10, seed)[1:]
            answer = Completion.join(list(engine.stream(tokens, GREEDY, max_tokens=4)))
            assert answer.usage.cached_tokens == (100 if seed == 3 else 0)
    assert files(tmp_path) == []


def test_conversations_leave_their_system_prompt_only(guide_path: Path, tmp_path: Path) -> None:
    system = Message("system", "You are brief. " * 8)
    settings = {"contexts": 2, "compute_threads": 1, "disk_cache_dir": str(tmp_path)}
    with Engine(str(guide_path), **settings) as engine:
        for name in ("Ayla", "Deniz"):
            engine.chat([system, Message("user", f"{name} is my name.")], GREEDY, max_tokens=8)
    (path,) = files(tmp_path)
    with Engine(str(guide_path), **settings) as engine:
        answer = engine.chat([system, Message("user", "Hello!")], GREEDY, max_tokens=8)
        assert engine.stats().prefix_hits_disk == 1
        whole = engine.tokenize_chat([system, Message("user", "Hello!")])
    assert 0 < answer.usage.cached_tokens < len(whole)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "other",
    [
        {"cache_type_k": "q8_0"},
        {"context_size": 256},
        {"deterministic": True},
        {"kv_layout": "unified"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_other_settings_never_load_it(
    tiny_q8_0: Path, tmp_path: Path, other: dict[str, object]
) -> None:
    serve_two(tiny_q8_0, tmp_path)
    settings = {**SETTINGS, "disk_cache_dir": str(tmp_path), **other}
    with Engine(str(tiny_q8_0), **settings) as engine:
        assert ask(engine, user(4)).usage.cached_tokens == 0
        assert engine.stats().prefix_hits_disk == 0
    assert len(files(tmp_path)) == 1


def test_another_model_of_the_same_shape_never_loads_it(tiny_q8_0: Path, tmp_path: Path) -> None:
    copy = tmp_path / "model.gguf"
    copy.write_bytes(tiny_q8_0.read_bytes())
    serve_two(copy, tmp_path)
    data = bytearray(copy.read_bytes())
    data[-1000] ^= 1  # one weight
    copy.write_bytes(data)
    with Engine(str(copy), **SETTINGS, disk_cache_dir=str(tmp_path)) as engine:
        assert ask(engine, user(4)).usage.cached_tokens == 0


def test_a_damaged_file_is_computed_again(tiny_q8_0: Path, tmp_path: Path) -> None:
    serve_two(tiny_q8_0, tmp_path)
    (path,) = files(tmp_path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)
    with Engine(str(tiny_q8_0), **SETTINGS) as solo:
        want = ask(solo, user(4)).tokens
    with Engine(str(tiny_q8_0), **SETTINGS, disk_cache_dir=str(tmp_path)) as engine:
        answer = ask(engine, user(4))
        assert engine.stats().disk_cache_failures == 1
    assert answer.tokens == want
    assert answer.usage.cached_tokens == 0


def test_a_folder_that_cannot_be_used_costs_the_tier_only(tiny_q8_0: Path, tmp_path: Path) -> None:
    (tmp_path / "kv-states").write_text("in the way")
    serve_two(tiny_q8_0, tmp_path)
    assert files(tmp_path) == []


def test_scopes_never_meet_on_disk(tiny_q8_0: Path, tmp_path: Path) -> None:
    settings = {**SETTINGS, "disk_cache_dir": str(tmp_path)}
    with Engine(str(tiny_q8_0), **settings) as engine:
        for seed in (2, 3):
            ask(engine, user(seed), cache_scope="a")
    with Engine(str(tiny_q8_0), **settings) as engine:
        assert ask(engine, user(4), cache_scope="b").usage.cached_tokens == 0
        assert ask(engine, user(4), cache_scope="a").usage.cached_tokens == common(engine)


def test_the_bound_is_kept(tiny_q8_0: Path, tmp_path: Path) -> None:
    serve_two(tiny_q8_0, tmp_path, disk_cache_bytes=1000)
    assert files(tmp_path) == []
    serve_two(tiny_q8_0, tmp_path, disk_cache_bytes=0)
    assert list(tmp_path.iterdir()) == [tmp_path / "kv-states"]
    assert files(tmp_path) == []


def test_the_bound_is_not_negative(tiny_q8_0: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="disk_cache_bytes"):
        serve_two(tiny_q8_0, tmp_path, disk_cache_bytes=-1)
