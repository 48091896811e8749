# SPDX-License-Identifier: AGPL-3.0-only
"""Which of a repository's or folder's files are the model."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sentiric_llama.errors import ModelInvalid, ModelNotFound
from sentiric_llama.models.reference import SHARD

PREFERRED_QUANTS = ("Q4_K_M", "Q5_K_M", "Q8_0", "Q4_K_S", "Q6_K", "Q4_0", "F16", "BF16")
"""The order of preference when a repository has several files and no quantisation is named."""
MAX_SHARDS = 1000


def choose_files(names: Iterable[str], quant: str, origin: str) -> list[str]:
    """The model's file, or all its parts in order, from a list of names.

    The name must contain `quant`, such as "Q4_K_M"; without it `PREFERRED_QUANTS` decides.
    """
    found = sorted(n for n in names if n.endswith(".gguf") and "mmproj" not in n.lower())
    if not found:
        raise ModelNotFound(f"{origin} holds no .gguf file", where="model")
    first = next((hits for hits in _by_quant(found, quant) if hits), None)
    if first is None:
        raise ModelNotFound(f"{origin} has no {quant} file; it has {listed(found)}", where="model")
    head = first[0]
    if not SHARD.search(head):
        return [head]
    stem = SHARD.sub("", head)
    return [name for name in found if SHARD.sub("", name) == stem and SHARD.search(name)]


def shard_names(name: str) -> list[str]:
    """All parts of the model that `name` belongs to; only `name` when the model is not split."""
    match = SHARD.search(name)
    if match is None:
        return [name]
    count = int(match[2])
    if not 1 <= int(match[1]) <= count <= MAX_SHARDS:
        raise ModelInvalid(
            f"{name} is part {int(match[1])} of {count}, allowed 1..{MAX_SHARDS} parts",
            where="model",
        )
    stem = SHARD.sub("", name)
    return [f"{stem}-{part:05d}-of-{count:05d}.gguf" for part in range(1, count + 1)]


def listed(names: list[str]) -> str:
    """The first few names, for an error."""
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")


def _by_quant(names: list[str], quant: str) -> list[list[str]]:
    wanted = (quant,) if quant else PREFERRED_QUANTS
    hits = [[name for name in names if has_quant(name, word)] for word in wanted]
    return hits if quant else [*hits, names]


def has_quant(name: str, quant: str) -> bool:
    """True when the name contains the quantisation as a whole word."""
    pattern = rf"(?<![A-Za-z0-9]){re.escape(quant)}(?![A-Za-z0-9_])"
    return re.search(pattern, name, re.IGNORECASE) is not None
