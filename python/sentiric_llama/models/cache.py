# SPDX-License-Identifier: AGPL-3.0-only
"""The Hugging Face cache on disk: the layout that `hf` and every other tool of the hub uses.

models--org--repo/refs/main            the commit that the name stood for last time
models--org--repo/blobs/<checksum>     the content, read-only, named by what it is
models--org--repo/snapshots/<commit>/  the repository's names, links to blobs
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40}")
_PREFIX = "models--"


def root() -> Path:
    """The folder of all repositories, by HF_HUB_CACHE and HF_HOME."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def own_folder() -> Path:
    """Ours beside it: checksums that were compared, files of plain addresses."""
    from huggingface_hub import constants

    return Path(constants.HF_HOME) / "sentiric-llama"


@dataclass(frozen=True, slots=True)
class RepoCache:
    """One repository's folder; nothing needs to be there."""

    repo: str
    folder: Path

    @classmethod
    def of(cls, repo: str) -> RepoCache:
        return cls(repo, root() / (_PREFIX + repo.replace("/", "--")))

    def blob(self, etag: str) -> Path:
        return self.folder / "blobs" / etag

    def pointer(self, commit: str, name: str) -> Path:
        return self.folder / "snapshots" / commit / name

    def lock(self, etag: str) -> Path:
        return self.folder.parent / ".locks" / self.folder.name / f"{etag}.lock"

    def commit_of(self, revision: str) -> str:
        """The commit that a branch or tag meant last time, empty when it was never asked for."""
        if _COMMIT.fullmatch(revision):
            return revision
        try:
            commit = (self.folder / "refs" / revision).read_text("ascii").strip()
        except (OSError, ValueError):
            return ""
        return commit if _COMMIT.fullmatch(commit) else ""

    def names(self, commit: str) -> list[str]:
        """The model files of a commit that are here whole."""
        folder = self.folder / "snapshots" / commit
        return sorted(
            path.relative_to(folder).as_posix() for path in folder.rglob("*.gguf") if path.exists()
        )

    def commits(self) -> list[str]:
        with contextlib.suppress(OSError):
            return sorted(path.name for path in (self.folder / "snapshots").iterdir())
        return []

    def remember(self, revision: str, commit: str) -> None:
        """Notes what a branch or tag means now."""
        if revision == commit:
            return
        ref = self.folder / "refs" / revision
        ref.parent.mkdir(parents=True, exist_ok=True)
        scratch = ref.with_name(f".{ref.name}.{os.getpid()}")
        scratch.write_text(commit, "ascii")
        scratch.replace(ref)

    def link(self, commit: str, name: str, etag: str) -> Path:
        """Makes the repository's name point to a blob. Returns the name's path."""
        pointer, blob = self.pointer(commit, name), self.blob(etag)
        pointer.parent.mkdir(parents=True, exist_ok=True)
        scratch = pointer.with_name(f".{pointer.name}.{os.getpid()}")
        scratch.unlink(missing_ok=True)
        try:
            scratch.symlink_to(os.path.relpath(blob, pointer.parent))
        except OSError:  # a system or disk without links
            scratch.hardlink_to(blob)
        scratch.replace(pointer)
        return pointer


def repositories() -> Iterator[RepoCache]:
    """Every repository of models in the cache."""
    with contextlib.suppress(OSError):
        for folder in sorted(root().iterdir()):
            owner, dashes, name = folder.name.removeprefix(_PREFIX).partition("--")
            if folder.name.startswith(_PREFIX) and dashes and folder.is_dir():
                yield RepoCache(f"{owner}/{name}", folder)


def publish(part: Path, final: Path) -> None:
    """Gives a complete file its final name, for good: read-only, all of it on the disk."""
    part.chmod(0o444)
    part.replace(final)
    with contextlib.suppress(OSError):  # not every file system lets a folder be synced
        folder = os.open(final.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
