# SPDX-License-Identifier: AGPL-3.0-only
"""The base of all JSON objects that a request may hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from sentiric_llama.http.schemas.body import Body


class Part(Body):
    """An object of a request. Marks for a cache mean nothing here: prefixes are cached anyway."""

    silent: ClassVar[frozenset[str]] = frozenset({"cache_control"})
    """Fields that ask for nothing which is missing, and are not reported as ignored."""

    @classmethod
    def unknown(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        return super().unknown(_without(values, cls.silent), path)

    @classmethod
    def ignored(cls, values: Mapping[str, Any], path: str = "") -> Iterator[str]:
        return super().ignored(_without(values, cls.silent), path)


def _without(values: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}
