# SPDX-License-Identifier: AGPL-3.0-only
"""Strict patterns for every name that becomes part of a path.

Users give names of repositories and revisions; servers send commits, tags and file names.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.printable import quoted

MAX_REPO = 96
MAX_REVISION = 128
MAX_NAME_BYTES = 512
MAX_SEGMENT_BYTES = 200
"""File systems allow 255; our suffixes need the rest."""
MAX_DEPTH = 8

_WORD = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?"
REPO = rf"{_WORD}/{_WORD}"
REVISION = r"[A-Za-z0-9_][A-Za-z0-9._+-]*"
_REPO = re.compile(REPO)
_REVISION = re.compile(rf"{REVISION}(?:/{REVISION}){{0,4}}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TAG = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SEGMENT = re.compile(r"\w(?:[\w.+=@,~()\[\] -]*[\w+=@~)\]-])?")


def is_repo(text: str) -> bool:
    """`org/name` as the hub allows it."""
    is_whole = _REPO.fullmatch(text) is not None and len(text) <= MAX_REPO
    return is_whole and "--" not in text and ".." not in text


def is_revision(text: str) -> bool:
    """A branch, a tag or a commit, `refs/pr/1` too."""
    is_whole = _REVISION.fullmatch(text) is not None and len(text) <= MAX_REVISION
    return is_whole and ".." not in text and not text.endswith(".lock")


def is_commit(text: str) -> bool:
    """A full commit hash, as a server must send it."""
    return _COMMIT.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """An ETag that is safe as a file name, such as a checksum."""
    return _TAG.fullmatch(text) is not None


def is_file_name(name: str) -> bool:
    """A relative name that stays inside the repository on every file system."""
    parts = PurePosixPath(name).parts
    if not parts or name != "/".join(parts) or len(parts) > MAX_DEPTH:
        return False
    sizes = [len(part.encode("utf-8", "surrogatepass")) for part in parts]
    is_short = max(sizes) <= MAX_SEGMENT_BYTES and sum(sizes) <= MAX_NAME_BYTES
    return is_short and all(_SEGMENT.fullmatch(part) and ".." not in part for part in parts)


def checked_name(name: str) -> str:
    """The name, or "". Raises InvalidArgument for one that leads out of the repository."""
    if name and not is_file_name(name):
        raise InvalidArgument(
            f"got {quoted(name)}, allowed a relative name such as a/b.gguf",
            where="model_filename",
        )
    return name


def checked_revision(text: str) -> str:
    """The revision. Raises InvalidArgument when it is not one."""
    if not is_revision(text):
        raise InvalidArgument(
            f"got {quoted(text)}, allowed a branch, a tag or a commit such as main",
            where="model_revision",
        )
    return text
