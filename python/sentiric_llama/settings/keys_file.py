# SPDX-License-Identifier: AGPL-3.0-only
"""Makes keys, and writes, lists and removes their entries in KEYS_FILE."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sentiric_llama.access.api_key import clean_key
from sentiric_llama.access.key_file import (
    HASH,
    FiledKey,
    checked_entries,
    read_entries,
    read_key_file,
)
from sentiric_llama.access.key_ring import MIN_FILED_LENGTH
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.printable import brief
from sentiric_llama.host.private_files import write_fault, write_private

_BEGINNING = "sk-"
"""By which people and scanners of secrets know a key."""
_RANDOM_BYTES = 32


def make_key() -> str:
    """A new key of 256 random bits."""
    return _BEGINNING + secrets.token_urlsafe(_RANDOM_BYTES)


def given_key(text: str) -> str:
    """A key that was made elsewhere. Raises InvalidArgument, which does not repeat it."""
    try:
        key = clean_key(text)
    except ValueError as error:
        raise InvalidArgument(f"invalid key; use {error}", where="key") from None
    if len(key) < MIN_FILED_LENGTH:
        what = f"got a key of length {len(key)}, allowed at least {MIN_FILED_LENGTH} characters"
        raise InvalidArgument(f"{what} that nobody can guess", where="key")
    return key


def add_key(path: Path, name: str, key: str, fields: Mapping[str, Any]) -> None:
    """Writes an entry for the key; the file is made if there is none.

    Raises InvalidArgument for a name that is there, a field that is not allowed, and a file that
    cannot serve or be written.
    """
    digest = hashlib.sha256(key.encode()).hexdigest()
    entry = {"name": name, "hash": HASH + digest, "last4": key[-4:], **fields}
    with _changing(path) as entries:
        if any(known["name"] == name for known in entries):
            what = f"{brief(path)} already has a key named {brief(name)}; revoke it first"
            raise InvalidArgument(what, where="keys")
        entries.append(entry)


def revoke_key(path: Path, name: str) -> None:
    """Removes the entry of this name. Raises InvalidArgument as `add_key`, or if there is none."""
    with _changing(path) as entries:
        kept = [known for known in entries if known["name"] != name]
        if len(kept) == len(entries):
            what = f"{brief(path)} has no key {brief(name)}; see: sentiric-llama key list"
            raise InvalidArgument(what, where="keys")
        entries[:] = kept


def listed_keys(path: Path) -> list[dict[str, Any]]:
    """What the file says of each key, as JSON; None is no limit. Raises InvalidArgument."""
    return [_shown(key) for key in read_key_file(path)]


def _shown(key: FiledKey) -> dict[str, Any]:
    who = key.identity
    end = None if who.expires_at is None else datetime.fromtimestamp(who.expires_at, UTC)
    return {
        "name": who.name,
        "roles": sorted(who.roles),
        "rights": sorted(who.rights),
        "models": sorted(who.models) or ["*"],
        "tenants": sorted(who.tenants),
        "requests_per_minute": who.limits.requests_per_minute or None,
        "tokens_per_minute": who.limits.tokens_per_minute or None,
        "concurrency": who.limits.concurrency or None,
        "expires": end and end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "last4": key.last4,
    }


@contextlib.contextmanager
def _changing(path: Path) -> Iterator[list[Any]]:
    """The checked entries, to be changed; they are checked again and written as one file.

    Two commands at the same time wait for each other.
    """
    try:
        with _locked(path.parent):
            entries = read_entries(path) if os.path.lexists(path) else []
            checked_entries(entries, path)
            yield entries
            checked_entries(entries, path)
            text = json.dumps({"keys": entries}, indent=2, ensure_ascii=False) + "\n"
            write_private(path, text.encode())
    except OSError as error:
        what = f"{brief(path)} cannot be written: {write_fault(path, error, is_private=True)}"
        raise InvalidArgument(what, where="keys") from None


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds the folder for this process, which leaves no file behind."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
