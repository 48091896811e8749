# SPDX-License-Identifier: AGPL-3.0-only
"""The file of keys: JSON with one entry for each key, which holds a hash and never the key.

Every field is checked, and a field of another name is refused: a limit that was mistyped would be
none. Errors repeat no text of the file, as a key may stand in the wrong place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from sentiric_llama.access.api_key import (
    ANY_TENANT,
    KEY_NAME,
    RIGHTS,
    ROLES,
    Identity,
    Right,
    Role,
)
from sentiric_llama.access.limits import KeyLimits
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.bounded_files import read_bounded
from sentiric_llama.host.printable import brief
from sentiric_llama.host.spelling import nearest
from sentiric_llama.log.trace import is_id

MAX_KEYS = 10_000
MAX_FILE_BYTES = 8 * 2**20
MAX_LISTED = 256
"""Models or tenants of one key."""
MAX_RATE = 1_000_000_000
"""Per minute."""
MAX_CONCURRENCY = 1_000_000
HASH = "sha256:"
_HASH = re.compile(re.escape(HASH) + "([0-9a-f]{64})")
_MODEL = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,256}")
_FIELD = re.compile(r"[a-z_]{1,32}")
_LAST = re.compile(r"[!-~]{0,4}")


@dataclass(frozen=True, slots=True)
class FiledKey:
    """One entry. `digest` is the SHA-256 of the key, `last4` its last characters for people."""

    digest: bytes
    identity: Identity
    last4: str = ""


class KeyFileGone(InvalidArgument):
    """The file is not there or cannot be read, so that nobody knows which keys are valid."""


def read_key_file(path: Path) -> list[FiledKey]:
    """The keys of a file. Raises InvalidArgument naming the file, the entry and the field."""
    return checked_entries(read_entries(path), path)


def read_entries(path: Path) -> list[Any]:
    """The entries as they are written, not checked. Raises InvalidArgument."""
    try:
        raw = read_bounded(path, MAX_FILE_BYTES)
    except OSError as error:
        what = f"{brief(path)} cannot be read: {error.strerror}"
        if isinstance(error, FileNotFoundError):
            what += "; make a first key with: sentiric-llama key new NAME"
        raise KeyFileGone(what, where="keys") from None
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):  # ValueError: also bytes that are not UTF-8
        raise _refused(path, "is not valid JSON") from None
    entries = content.get("keys") if isinstance(content, dict) and len(content) == 1 else None
    if not isinstance(entries, list):
        raise _refused(path, 'must be {"keys": [...]}')
    if len(entries) > MAX_KEYS:
        raise _refused(path, f"keys: got {len(entries)}, allowed at most {MAX_KEYS}")
    return entries


def checked_entries(entries: list[Any], path: Path) -> list[FiledKey]:
    """What the entries say. Raises InvalidArgument also for a name or a hash that comes twice."""
    found: list[FiledKey] = []
    names: dict[str, int] = {}
    digests: dict[bytes, int] = {}
    for index, values in enumerate(entries):
        try:
            key = _entry(values)
        except _BadField as error:
            raise _refused(path, f"keys[{index}]{error}") from None
        for field, known, value in (
            ("name", names, key.identity.name),
            ("hash", digests, key.digest),
        ):
            first = cast("dict[Any, int]", known).setdefault(value, index)
            if first != index:
                raise _refused(path, f"keys[{index}].{field}: duplicates keys[{first}]")
        found.append(key)
    return found


class _BadField(Exception):
    """What is wrong with an entry, beginning with the path of the field in it."""


def _entry(values: object) -> FiledKey:
    if not isinstance(values, dict):
        raise _BadField(": must be an object")
    for field in values:
        if field not in _READERS:
            raise _BadField(_unknown(field))
    for field in ("name", "hash", "roles"):
        if field not in values:
            raise _BadField(f".{field}: is missing")
    read: dict[str, Any] = {}
    for field, value in values.items():
        try:
            read[field] = _READERS[field](value)
        except ValueError as error:
            raise _BadField(f".{field}: {_shown(value)}{error}") from None
    limits = {name: read[name] for name in KeyLimits.__slots__ if name in read}
    identity = Identity(
        name=read["name"],
        roles=read["roles"],
        rights=read.get("rights", frozenset()),
        tenants=read.get("tenants", frozenset()),
        models=read.get("models", frozenset()),
        limits=KeyLimits(**limits),
        expires_at=read.get("expires"),
    )
    return FiledKey(read["hash"], identity, read.get("last4", ""))


def _unknown(field: str) -> str:
    if not _FIELD.fullmatch(field):
        return f": got an unknown field, allowed {' | '.join(_READERS)}"
    near = nearest(field, _READERS)
    return f".{field}: unknown field" + (f"; did you mean {near}?" if near else "")


def _shown(value: object) -> str:
    """What an error says before what is allowed. It repeats numbers only: texts may be secret."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"got {brief(value)}, allowed " if is_number else "must be "


def _name(value: object) -> str:
    if not isinstance(value, str) or not KEY_NAME.fullmatch(value):
        raise ValueError("1 to 64 of A-Z a-z 0-9 _ . -")
    return value


def _digest(value: object) -> bytes:
    match = _HASH.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{HASH} and 64 hexadecimal digits in lower case")
    return bytes.fromhex(match[1])


def _last4(value: object) -> str:
    if not isinstance(value, str) or not _LAST.fullmatch(value):
        raise ValueError("at most 4 printable ASCII characters")
    return value


def _texts(value: object, allowed: str, is_good: Callable[[str], object]) -> frozenset[str]:
    if (
        not isinstance(value, list)
        or not 1 <= len(value) <= MAX_LISTED
        or not all(isinstance(item, str) and is_good(item) for item in value)
    ):
        raise ValueError(f"a list of 1 to {MAX_LISTED}: {allowed}")
    return frozenset(value)


def _roles(value: object) -> frozenset[Role]:
    return cast("frozenset[Role]", _texts(value, " | ".join(ROLES), ROLES.__contains__))


def _rights(value: object) -> frozenset[Right]:
    if value == []:
        return frozenset()
    return cast("frozenset[Right]", _texts(value, " | ".join(RIGHTS), RIGHTS.__contains__))


def _models(value: object) -> frozenset[str]:
    """Empty for all of them."""
    names = _texts(value, "names of models, or *", _MODEL.fullmatch)
    return frozenset() if "*" in names else names


def _tenants(value: object) -> frozenset[str]:
    allowed = f"identifiers of tenants, or {ANY_TENANT}"
    return _texts(value, allowed, lambda tenant: tenant == ANY_TENANT or is_id(tenant))


def _whole(most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise ValueError(f"1..{most}; leave it out for no limit")
        return value

    return read


def _time(value: object) -> float:
    allowed = "a date such as 2030-01-31, or a time with its zone such as 2030-01-31T12:00:00Z"
    if not isinstance(value, str) or len(value) > 40:
        raise ValueError(allowed)
    try:
        found = datetime.fromisoformat(value)
        if len(value) == len("2030-01-31"):
            found = found.replace(tzinfo=UTC)
        if found.tzinfo is None:
            raise ValueError(allowed)
        return found.timestamp()
    except (ValueError, OverflowError):
        raise ValueError(allowed) from None


_READERS: dict[str, Callable[[object], Any]] = {
    "name": _name,
    "hash": _digest,
    "last4": _last4,
    "roles": _roles,
    "rights": _rights,
    "models": _models,
    "tenants": _tenants,
    "requests_per_minute": _whole(MAX_RATE),
    "tokens_per_minute": _whole(MAX_RATE),
    "concurrency": _whole(MAX_CONCURRENCY),
    "expires": _time,
}
"""Field of an entry -> how to read it. ValueError says what is allowed."""


def _refused(path: Path, what: str) -> InvalidArgument:
    return InvalidArgument(f"{brief(path)} {what}", where="keys")
