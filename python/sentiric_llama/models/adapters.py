# SPDX-License-Identifier: AGPL-3.0-only
"""Checks adapter files before native code reads them, as `gguf.rules` checks models.

llama.cpp aborts or reads foreign memory when a value has the wrong type, a weight has a format that
it cannot multiply, or a shape does not fit the model.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from sentiric_llama.errors import ModelInvalid, ModelNotFound
from sentiric_llama.gguf import types as gguf
from sentiric_llama.gguf.header import Array, Header, Tensor, parse_header

ENDINGS = (".gguf", ".bin")
"""Of adapter files; `OpenAdapterFile` in C++ looks for them in this order."""
_MAX_KNOWN = 256
_NO_WEIGHTS = frozenset({"I8", "I16", "I32", "I64", "F64", "Q8_1", "Q8_K"})
"""Formats that llama.cpp does not multiply."""
_U32, _F32 = 4, 6
_IGNORED = "_norm.weight"  # by llama.cpp

_Identity = tuple[int, int, int, int, int]


class AdapterFiles:
    """The adapters in a folder for one model. Blocks; any thread may call it.

    A file is read again only when it has changed.
    """

    def __init__(self, folder: str, model: Header) -> None:
        self._folder = folder
        self._model = model
        self._known: dict[str, _Identity] = {}

    def names(self) -> list[str]:
        """What a request may name: the files without their ending. Links that lead out are none."""
        try:
            found = [Path(entry.name) for entry in os.scandir(self._folder or os.devnull)]
        except OSError:
            return []
        stems = {path.stem for path in found if path.suffix in ENDINGS}
        return sorted(name for name in stems if self._is_there(name))

    def _is_there(self, name: str) -> bool:
        from sentiric_llama import _host

        try:
            name.encode()  # a file's name may be no text
            os.close(_host.open_adapter_file(self._folder, name))
        except (ModelNotFound, UnicodeEncodeError):
            return False
        return True

    def check(self, names: Iterable[str]) -> None:
        """Raises ModelNotFound for a name without a file, ModelInvalid for a bad file."""
        for name in names:
            self._check(name)

    def _check(self, name: str) -> None:
        from sentiric_llama import _host

        with open(_host.open_adapter_file(self._folder, name), "rb") as file:
            now = os.fstat(file.fileno())
            identity = (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
            if self._known.get(name) == identity:
                return
            try:
                header = parse_header(Path(name), file)
            except ModelInvalid as error:
                raise ModelInvalid(error.what, where="lora_adapter") from None
        for problem in adapter_problems(header, self._model):
            raise ModelInvalid(f"{name} {problem}", where="lora_adapter")
        self._remember(name, identity)

    def _remember(self, name: str, identity: _Identity) -> None:
        for oldest in list(islice(self._known, max(0, len(self._known) - _MAX_KNOWN + 1))):
            self._known.pop(oldest, None)
        self._known[name] = identity


def adapter_problems(header: Header, model: Header) -> Iterator[str]:
    """Every reason not to load it for this model, the plainest first."""
    yield from _of_kind(header, model)
    yield from _of_values(header)
    yield from _of_pairs(header, model)


def _of_kind(header: Header, model: Header) -> Iterator[str]:
    kind = header.text("general.type")
    if kind != "adapter" or header.text("adapter.type") != "lora":
        yield "is not a LoRA adapter"
    wanted = model.text("general.architecture")
    if header.text("general.architecture") != wanted:
        yield f"is not for the architecture {wanted}"
    if not header.tensors:
        yield "contains no weights"


def _of_values(header: Header) -> Iterator[str]:
    alpha = header.values.get("adapter.lora.alpha")
    if alpha is not None and (
        header.kinds["adapter.lora.alpha"] != _F32
        or not isinstance(alpha, float)
        or not math.isfinite(alpha)
    ):
        yield "has no finite f32 at adapter.lora.alpha"
    key = "adapter.alora.invocation_tokens"
    tokens = header.values.get(key)
    if tokens is not None and not (isinstance(tokens, Array) and tokens.kind == _U32):
        yield f"has the wrong type at {key}, allowed an array of u32"


def _of_pairs(header: Header, model: Header) -> Iterator[str]:
    sides: dict[str, dict[str, Tensor]] = {}
    for tensor in header.tensors:
        base, dot, side = tensor.name.rpartition(".lora_")
        if dot and side in ("a", "b") and ".lora_" not in base:
            sides.setdefault(base, {})[side] = tensor
            if tensor.type.name in _NO_WEIGHTS:
                yield f"has {tensor.name!r} as {tensor.type.name}, which cannot hold weights"
        elif not tensor.name.endswith(_IGNORED):
            yield f"has the tensor {tensor.name!r}, allowed pairs of .lora_a and .lora_b"
    weights = {tensor.name: tensor for tensor in model.tensors}
    is_split = (model.number("split.count") or 0) > 1  # other parts may have the weight
    for base, pair in sides.items():
        if len(pair) != 2:
            yield f"has only one of the two matrices of {base!r}"
        elif base in weights:
            if not _fits(base, pair["a"].shape, pair["b"].shape, weights[base].shape):
                yield f"does not fit the shape of {base!r}"
        elif not is_split:
            yield f"adapts {base!r}, which the model does not have"


def _fits(base: str, a: tuple[int, ...], b: tuple[int, ...], weight: tuple[int, ...]) -> bool:
    (a0, a1, *rest_a), (b0, b1, *rest_b), (w0, w1, *rest) = map(_padded, (a, b, weight))
    if rest_a != rest or rest_b != rest:
        return False
    if base.endswith("token_embd.weight"):  # its matrices are transposed
        return w0 == b1 and w1 == a1 and a0 == b0
    return w0 == a0 and w1 == b1 and a1 == b0


def _padded(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape + (1,) * (gguf.MAX_DIMS - len(shape))
