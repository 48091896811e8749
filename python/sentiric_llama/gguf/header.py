# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the header of a GGUF file without trusting a single number in it.

What native code would read, allocate or index by is compared with the file's real length first.
The weights themselves are never read.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from sentiric_llama.errors import ModelInvalid, ModelNotFound
from sentiric_llama.gguf import types as gguf
from sentiric_llama.gguf.reader import Reader, invalid
from sentiric_llama.gguf.types import TENSOR_TYPES, TensorType

Scalar = int | float | bool | str

_PREAMBLE = struct.Struct("<4sIQQ")  # magic, version, tensors, keys


@dataclass(frozen=True, slots=True)
class Array:
    """`count` values of one type: strings as bytes, numbers as they lie in the file."""

    kind: int
    count: int
    raw: bytes = b""
    strings: tuple[bytes, ...] = ()

    def numbers(self) -> tuple[int | float, ...]:
        form = gguf.SCALARS[self.kind]
        return struct.unpack(f"<{len(self.raw) // form.size}{form.format[-1]}", self.raw)


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: `offset` counts from the start of the data."""

    name: str
    shape: tuple[int, ...]
    type: TensorType
    offset: int

    @property
    def elements(self) -> int:
        total = 1
        for size in self.shape:
            total *= size
        return total

    @property
    def size_bytes(self) -> int:
        return self.elements // self.type.items * self.type.size


@dataclass(frozen=True, slots=True)
class Header:
    """A header whose every number was checked against the file."""

    path: Path
    version: int
    file_bytes: int
    values: dict[str, Scalar | Array] = field(repr=False)
    kinds: dict[str, int] = field(repr=False)
    """Type number of each value, for rules on types."""
    tensors: tuple[Tensor, ...] = field(repr=False, default=())

    def text(self, key: str) -> str:
        """A string value, empty when it is missing or something else."""
        value = self.values.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> int | None:
        """A whole number, None when it is missing or something else."""
        value = self.values.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def array(self, key: str) -> Array | None:
        value = self.values.get(key)
        return value if isinstance(value, Array) else None

    def without_lists(self) -> Header:
        """The same without the items of arrays: a vocabulary takes tens of megabytes."""
        kept = {
            key: Array(value.kind, value.count) if isinstance(value, Array) else value
            for key, value in self.values.items()
        }
        return replace(self, values=kept)


def read_header(path: Path) -> Header:
    """The checked header. Raises ModelNotFound or ModelInvalid saying what is wrong with it."""
    try:
        with _opened(path) as file:
            return parse_header(path, file)
    except OSError as error:
        raise ModelNotFound(f"cannot read {path}: {error.strerror}", where="model") from None


def _opened(path: Path) -> BinaryIO:
    """A plain file, without waiting for the other end of a pipe."""
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115  # handed over
    except FileNotFoundError:
        raise ModelNotFound(f"no file {path}; check the path", where="model") from None
    except IsADirectoryError:
        raise invalid(path, "is a directory, not a model file") from None
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise invalid(path, "is a socket or a device, not a model file") from None
        raise
    except ValueError:  # a zero byte, half a surrogate pair
        raise ModelNotFound(f"{str(path)!r} cannot be a path", where="model") from None
    if kind := _KINDS.get(stat.S_IFMT(os.fstat(file.fileno()).st_mode)):
        file.close()
        raise invalid(path, f"is {kind}, not a model file")
    return file


_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a directory",
}


def _without_waiting(path: str, flags: int) -> int:
    """A pipe without a writer would wait for one."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def parse_header(path: Path, file: BinaryIO) -> Header:
    """The checked header of an open file; `path` is what messages call it. Raises ModelInvalid."""
    size = file.seek(0, 2)
    file.seek(0)
    return _Parser(path, file, size).parse()


class _Parser:
    """Structure: counts, types, shapes, offsets."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self._in = Reader(path, file, size)
        self._path = path

    def parse(self) -> Header:
        version, num_tensors, num_keys = self._preamble()
        values: dict[str, Scalar | Array] = {}
        kinds: dict[str, int] = {}
        for _ in range(num_keys):
            key = self._name("key")
            if key in values:
                raise self._invalid(f"names the key {key!r} twice")
            kinds[key] = self._in.u32()
            values[key] = self._value(key, kinds[key])
        tensors = tuple(self._tensor() for _ in range(num_tensors))
        self._check_layout(tensors, _alignment(self._path, values, kinds))
        return Header(self._path, version, self._in.size, values, kinds, tensors)

    def _invalid(self, what: str) -> ModelInvalid:
        return invalid(self._path, what)

    def _preamble(self) -> tuple[int, int, int]:
        """Version, number of tensors, number of keys."""
        head = self._in.take(min(self._in.size, _PREAMBLE.size))
        if head[:4] != b"GGUF":
            raise self._invalid(f"is not a GGUF file{_hint(head, self._path)}")
        version = int.from_bytes(head[4:8], "little")
        if len(head) < _PREAMBLE.size or version not in gguf.VERSIONS:
            raise self._invalid(
                f"is a cut or unknown GGUF file; got version {version}, allowed 2..3; "
                "download it again"
            )
        _, _, num_tensors, num_keys = _PREAMBLE.unpack(head)
        for what, count, limit in (
            ("tensors", num_tensors, gguf.MAX_TENSORS),
            ("keys", num_keys, gguf.MAX_KEYS),
        ):
            if count > limit:
                raise self._invalid(f"claims {count} {what}, allowed {limit}")
        return version, num_tensors, num_keys

    def _name(self, what: str) -> str:
        raw = self._in.string()
        try:
            name = raw.decode()
        except UnicodeDecodeError:
            raise self._invalid(f"has a {what} whose name is no text") from None
        if not name or not name.isprintable() or len(raw) > 65_535:
            raise self._invalid(f"has a {what} without a proper name")
        return name

    def _value(self, key: str, kind: int) -> Scalar | Array:
        if kind == gguf.STRING:
            return self._text(key)
        if kind == gguf.ARRAY:
            return self._array(key)
        if kind not in gguf.SCALARS:
            raise self._invalid(f"has the unknown type {kind} at {key!r}")
        form = gguf.SCALARS[kind]
        number: int | float = form.unpack(self._in.take(form.size))[0]
        if kind != gguf.BOOL:
            return number
        if number not in (0, 1):
            raise self._invalid(f"has {number} at {key!r}, allowed 0 or 1")
        return bool(number)

    def _text(self, key: str) -> str:
        try:
            return self._in.string().decode()
        except UnicodeDecodeError:
            raise self._invalid(f"has no UTF-8 text at {key!r}") from None

    def _array(self, key: str) -> Array:
        kind, count = self._in.u32(), self._in.u64()
        if count > gguf.MAX_ARRAY_ITEMS:
            raise self._invalid(
                f"claims {count} items at {key!r}, allowed {gguf.MAX_ARRAY_ITEMS}; "
                "the file is damaged or hostile"
            )
        if kind == gguf.STRING:
            if count * 8 > self._in.size - self._in.position:
                raise self._invalid(f"is cut: {key!r} claims {count} strings; download it again")
            return Array(kind, count, strings=self._in.strings(count))
        if kind not in gguf.SCALARS:
            raise self._invalid(f"has an array of the unknown type {kind} at {key!r}")
        return Array(kind, count, raw=self._in.take(count * gguf.SCALARS[kind].size))

    def _tensor(self) -> Tensor:
        name = self._name("tensor")
        if len(name.encode()) > gguf.MAX_NAME_BYTES:
            raise self._invalid(f"has a tensor name above {gguf.MAX_NAME_BYTES} bytes")
        dims = self._in.u32()
        if not 1 <= dims <= gguf.MAX_DIMS:
            raise self._invalid(f"has the tensor {name!r} with {dims} dimensions, allowed 1..4")
        shape = tuple(self._in.u64() for _ in range(dims))
        number = self._in.u32()
        if number not in TENSOR_TYPES:
            raise self._invalid(f"has the tensor {name!r} in the unknown format {number}")
        tensor = Tensor(name, shape, TENSOR_TYPES[number], self._in.u64())
        if min(shape) < 1 or tensor.elements >= gguf.MAX_ELEMENTS:
            raise self._invalid(f"has the tensor {name!r} of the shape {shape}")
        if shape[0] % tensor.type.items:
            raise self._invalid(
                f"has rows of {shape[0]} values in {name!r}, not a multiple of "
                f"{tensor.type.items} as {tensor.type.name} needs"
            )
        return tensor

    def _check_layout(self, tensors: tuple[Tensor, ...], alignment: int) -> None:
        """Tensors lie one behind the other, and the last ends inside the file."""
        data = _padded(self._in.position, alignment)
        expected = 0
        names: set[str] = set()
        for tensor in tensors:
            if tensor.name in names:
                raise self._invalid(f"names the tensor {tensor.name!r} twice")
            names.add(tensor.name)
            if tensor.offset != expected:
                raise self._invalid(
                    f"places {tensor.name!r} at {tensor.offset}, expected {expected}"
                )
            end = data + expected + tensor.size_bytes
            if end > self._in.size:
                raise self._invalid(
                    f"is cut: {tensor.name!r} ends at byte {end}, the file at {self._in.size}; "
                    "download it again"
                )
            expected = _padded(expected + tensor.size_bytes, alignment)


def _padded(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment


def _alignment(path: Path, values: dict[str, Scalar | Array], kinds: dict[str, int]) -> int:
    key = "general.alignment"
    if key not in values:
        return gguf.DEFAULT_ALIGNMENT
    value = values[key]
    is_power = isinstance(value, int) and value > 0 and value & (value - 1) == 0
    if kinds[key] != 4 or not is_power or not isinstance(value, int) or value > gguf.MAX_ALIGNMENT:
        raise invalid(
            path, f"has the alignment {value!r}, allowed powers of two to {gguf.MAX_ALIGNMENT}"
        )
    return value


def _hint(head: bytes, path: Path) -> str:
    if head.startswith(b"version https://git-lfs"):
        return "; it is a Git LFS pointer, fetch the file itself (git lfs pull)"
    if head[:4] in (b"lmgg", b"tjgg", b"fmgg"):
        return "; it is an old GGML file, use the model's GGUF version"
    if head.lstrip()[:1] == b"<":
        return "; it is a web page, download it again from the file's own address"
    if path.suffix == ".safetensors":
        return "; safetensors weights must be converted to GGUF first"
    return "; download it again or choose a .gguf file"
