# SPDX-License-Identifier: AGPL-3.0-only
"""Files that lie are refused in Python, before native code sees them."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

import models as built_models
from gguf_files import (
    ARRAY,
    BOOL,
    F32,
    I8,
    I32,
    STRING,
    TOKENS,
    U8,
    U32,
    GgufFile,
    array,
    sound,
    tensor,
    value,
)
from sentiric_llama import Engine
from sentiric_llama.errors import ModelInvalid
from sentiric_llama.gguf.header import read_header
from sentiric_llama.gguf.rules import problems
from sentiric_llama.models import check_model


def write(folder: Path, content: bytes) -> Path:
    path = folder / "x.gguf"
    path.write_bytes(content)
    return path


def test_a_sound_file(tmp_path: Path) -> None:
    header = check_model(write(tmp_path, sound()))
    assert header.text("general.architecture") == "llama" and header.version == 3
    assert header.number("llama.block_count") == 2
    tokens = header.array("tokenizer.ggml.tokens")
    assert tokens is not None and tokens.count == len(TOKENS)
    assert [(t.name, t.shape, t.type.name, t.size_bytes) for t in header.tensors] == [
        ("token_embd.weight", (64, 8), "Q8_0", 544),
        ("output_norm.weight", (64,), "F32", 256),
    ]


@pytest.mark.parametrize(
    "path", sorted(built_models.VENDORED.glob("*.gguf")), ids=lambda path: path.stem[11:]
)
def test_real_vocabularies_pass(path: Path) -> None:
    """All that speaks against them is that they hold no weights."""
    found = list(problems(read_header(path)))
    assert len(found) == 1 and "holds no weights" in found[0]


def test_our_own_models_pass(guide_path: Path, tiny_q4_0: Path) -> None:
    assert check_model(guide_path).tensors and check_model(tiny_q4_0).tensors


BIG = 2**42 + 1

STRUCTURE = [
    (GgufFile(magic=b"GGUX").bytes(), "not a GGUF file"),
    (GgufFile(version=9).bytes(), "version 9"),
    (struct.pack(">4sIQQ", b"GGUF", 3, 0, 0), "allowed 2..3"),
    (b"lmgg" + bytes(40), "old GGML"),
    (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    (b"<!doctype html><html>", "web page"),
    (b"", "not a GGUF file"),
    (b"GGUF", "cut or unknown"),
    (GgufFile(num_tensors=BIG).bytes(), "tensors, allowed 65536"),
    (GgufFile(num_values=BIG).bytes(), "keys, allowed 65536"),
    (GgufFile(num_values=2**63).bytes(), "keys, allowed 65536"),
    (GgufFile(data_bytes=700).bytes(), "is cut: 'output_norm.weight' ends"),
    (GgufFile(tensors=[tensor("a", (), 0, 0)]).bytes(), "0 dimensions"),
    (GgufFile(tensors=[tensor("a", (1,) * 5, 0, 0)]).bytes(), "5 dimensions"),
    (GgufFile(tensors=[tensor("a", (0,), 0, 0)]).bytes(), "of the shape"),
    (GgufFile(tensors=[tensor("a", (2**32, 2**31), 0, 0)]).bytes(), "of the shape"),
    (GgufFile(tensors=[tensor("a", (2**63, 2**63, 4), 0, 0)]).bytes(), "of the shape"),
    (GgufFile(tensors=[tensor("a", (33,), 8, 0)]).bytes(), "not a multiple of 32"),
    (GgufFile(tensors=[tensor("a", (32,), 4, 0)]).bytes(), "unknown format 4"),
    (GgufFile(tensors=[tensor("a", (32,), 2**31, 0)]).bytes(), "unknown format"),
    (GgufFile(tensors=[tensor("a", (8,), 0, 7)]).bytes(), "at 7, expected 0"),
    (GgufFile(tensors=[tensor("a", (8,), 0, 2**63)]).bytes(), "expected 0"),
    (GgufFile(tensors=[tensor("a", (8,), 0, 0), tensor("a", (8,), 0, 32)]).bytes(), "twice"),
    (GgufFile(tensors=[tensor("a" * 64, (8,), 0, 0)]).bytes(), "above 63 bytes"),
    (GgufFile(tensors=[tensor(b"\xff\xfe", (8,), 0, 0)]).bytes(), "is no text"),
    (GgufFile(tensors=[tensor("a\0b", (8,), 0, 0)]).bytes(), "proper name"),
    (sound(general__alignment=value(U32, 0)), "alignment 0"),
    (sound(general__alignment=value(U32, 24)), "alignment 24"),
    (sound(general__alignment=value(U32, 8192)), "alignment 8192"),
    (sound(general__alignment=value(STRING, "32")), "alignment '32'"),
    (sound(x=struct.pack("<I", 77)), "unknown type 77"),
    (sound(x=value(BOOL, 3)), "allowed 0 or 1"),
    (sound(x=value(STRING, b"\xcb\x20")), "no UTF-8 text at 'x'"),
    (sound(x=struct.pack("<IIQ", ARRAY, U8, BIG)), "items at 'x'"),
    (sound(x=struct.pack("<IIQ", ARRAY, STRING, 2**20)), "claims 1048576 strings"),
    (sound(x=struct.pack("<IIQ", ARRAY, ARRAY, 1) + array(U8, [1])), "unknown type 9"),
    (sound(x=struct.pack("<IQ", STRING, 2**60)), "string of"),
    (sound(x=struct.pack("<IQ", STRING, 2**23)), "is cut"),
]


@pytest.mark.parametrize(("content", "words"), STRUCTURE)
def test_structure(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(ModelInvalid, match=words):
        check_model(write(tmp_path, content))


def tokens(*words: str | bytes) -> bytes:
    return array(STRING, words)


LIST, SCORES = "tokenizer.ggml.tokens", "tokenizer.ggml.scores"
EIGHT = len(TOKENS)

RULES = [
    ({"general.architecture": value(STRING, "")}, "names no architecture"),
    ({"general.architecture": value(STRING, "../llama")}, "names no architecture"),
    ({"general.architecture": value(U32, 1)}, "names no architecture"),
    ({"general.type": value(STRING, "adapter")}, "type 'adapter', not a model"),
    ({"general.type": value(STRING, "mmproj")}, "type 'mmproj', not a model"),
    ({"llama.block_count": value(U32, 0)}, "block_count = 0"),
    ({"llama.block_count": value(U32, 513)}, "allowed 1..512"),
    ({"llama.block_count": value(STRING, "2")}, "block_count = '2'"),
    ({"llama.attention.head_count": value(U32, 0)}, "head_count = 0"),
    ({"llama.attention.head_count": array(U32, [4, 2**31])}, "head_count = 2147483648"),
    ({"llama.embedding_length": value(U32, 0)}, "embedding_length = 0"),
    ({"tokenizer.ggml.model": value(STRING, "mystery")}, "unknown tokenizer 'mystery'"),
    ({SCORES: array(U8, [0] * EIGHT)}, "allowed i32 or f32"),
    ({SCORES: array(I8, [0] * EIGHT)}, "allowed i32 or f32"),
    ({SCORES: tokens(*TOKENS)}, "allowed i32 or f32"),
    ({SCORES: value(F32, 0.0)}, "wrong type"),
    ({SCORES: array(F32, [0.0] * 3)}, "3 items in tokenizer.ggml.scores for 8 tokens"),
    ({"tokenizer.ggml.token_type": array(I32, [1] * 7)}, "7 items"),
    ({"tokenizer.ggml.token_type": array(U8, [1] * 8)}, "allowed i32"),
    ({LIST: array(I32, [1] * EIGHT)}, "allowed string"),
    ({LIST: tokens(*TOKENS[:-1], "a")}, "1 tokens twice"),
    ({LIST: tokens(*TOKENS[:-2], "", "[EMPTY_6]")}, "1 tokens twice"),
    ({LIST: tokens(*TOKENS[:-1], "x" * 4097)}, "token of 4097 bytes"),
    ({LIST: tokens(*TOKENS[:-1], "x" * 2**20)}, "token of 1048576 bytes"),
    ({LIST: tokens(*TOKENS[:3], "<0x-1>", *TOKENS[4:])}, "byte token"),
    ({LIST: tokens(*TOKENS[:3], "<0", *TOKENS[4:])}, "byte token"),
    ({"tokenizer.ggml.merges": array(I32, [1])}, "allowed string"),
    ({"tokenizer.ggml.precompiled_charsmap": array(F32, [1.0])}, "allowed u8 or i8"),
]


@pytest.mark.parametrize(("changes", "words"), RULES)
def test_rules(tmp_path: Path, changes: dict[str, bytes], words: str) -> None:
    path = write(tmp_path, GgufFile(sound_changed(changes)).bytes())
    with pytest.raises(ModelInvalid, match=words):
        check_model(path)


def sound_changed(changes: dict[str, bytes]) -> dict[str, bytes]:
    return GgufFile().values | changes


def test_what_real_models_have_is_allowed(tmp_path: Path) -> None:
    for changes in (
        {LIST: tokens(*TOKENS[:-1], "")},  # llama.cpp names it [EMPTY_7]
        {SCORES: array(I32, [0] * EIGHT)},
        {"llama.attention.head_count": array(U32, [4, 0])},  # a layer without attention
        {"split.count": struct.pack("<IH", 2, 1)},
    ):
        assert check_model(write(tmp_path, GgufFile(sound_changed(changes)).bytes())).tensors


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    whole = sound()
    for length in range(0, len(whole), 7):
        with pytest.raises(ModelInvalid):
            read_header(write(tmp_path, whole[:length]))


def test_damage_never_escapes_as_another_error(tmp_path: Path, guide_path: Path) -> None:
    """Words that hurt parsers, two thirds of them in the first 2 KB."""
    random_ = random.Random(7)
    base = guide_path.read_bytes()
    words = [struct.pack("<Q", n) for n in (0, 2**64 - 1, 2**31, BIG, 2**63)]
    refused = 0
    path = tmp_path / "x.gguf"
    head = len(base) if len(base) < 400_000 else 400_000
    for _ in range(400):
        changed = bytearray(base)
        spot = random_.randrange(2048 if random_.random() < 0.67 else head)
        if random_.random() < 0.5:
            changed[spot : spot + 8] = random_.choice(words)
        else:
            changed[spot] ^= 1 << random_.randrange(8)
        path.write_bytes(changed)
        try:
            list(problems(read_header(path)))
        except ModelInvalid:
            refused += 1
    assert refused > 50


def test_a_changed_file_is_looked_at_again(tmp_path: Path) -> None:
    path = write(tmp_path, sound())
    check_model(path)
    path.write_bytes(sound()[:-1])
    with pytest.raises(ModelInvalid, match="is cut"):
        check_model(path)


def test_lines_of_llama_that_are_no_text_are_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from sentiric_llama import _core
    from sentiric_llama.engine import handle

    def take() -> list[tuple[int, str]]:
        return [(30, b"\xcb".decode())]

    monkeypatch.setattr(_core, "take_log_lines", take)
    handle.forward_log()
    assert "the lines were skipped" in caplog.text


def test_the_library_refuses_before_native_code(tmp_path: Path) -> None:
    path = write(tmp_path, GgufFile(sound_changed({LIST: tokens(*TOKENS[:-1], "a")})).bytes())
    with pytest.raises(ModelInvalid, match="twice"):
        Engine(str(path))
