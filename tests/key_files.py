# SPDX-License-Identifier: AGPL-3.0-only
"""Files of keys for tests, and a clock that stands still."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def key_of(name: str) -> str:
    """A key that is long enough, the same for the same name."""
    return f"sk-{name}-" + hashlib.sha256(name.encode()).hexdigest()[:40]


def entry(name: str, **fields: Any) -> dict[str, Any]:
    """An entry for `key_of(name)`."""
    digest = hashlib.sha256(key_of(name).encode()).hexdigest()
    return {"name": name, "hash": f"sha256:{digest}", "roles": ["user"]} | fields


def write_keys(path: Path, *entries: Any) -> str:
    """Writes a file with these entries, as one file at once. Returns its path."""
    scratch = path.with_suffix(".new")
    scratch.write_text(json.dumps({"keys": list(entries)}))
    scratch.replace(path)
    return str(path)


def bearer(name: str) -> dict[str, str]:
    """The header with the key of this name."""
    return {"Authorization": f"Bearer {key_of(name)}"}


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
