# SPDX-License-Identifier: AGPL-3.0-only
"""The Hugging Face cache on disk: the layout that `hf` and every other tool of the hub uses.

models--org--repo/refs/main            the commit that the name stood for last time
models--org--repo/blobs/<checksum>     the content, read-only, named by what it is
models--org--repo/snapshots/<commit>/  the repository's names, links to blobs
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.private_files import write_whole
from sentiric_llama.models.names import is_commit, is_file_name, is_repo, is_revision, is_tag

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
        if not is_repo(repo):
            raise InvalidArgument(f"got {repo[:80]!r}, allowed org/repo", where="model")
        return cls(repo, root() / (_PREFIX + repo.replace("/", "--")))

    def blob(self, etag: str) -> Path:
        return self.folder / "blobs" / _safe(etag, is_tag(etag))

    def pointer(self, commit: str, name: str) -> Path:
        is_inside = is_commit(commit) and is_file_name(name)
        return self.folder / "snapshots" / _safe(commit, is_inside) / name

    def lock(self, etag: str) -> Path:
        lock = f"{_safe(etag, is_tag(etag))}.lock"
        return self.folder.parent / ".locks" / self.folder.name / lock

    def commit_of(self, revision: str) -> str:
        """The commit that a branch or tag meant last time, empty when it was never asked for."""
        if is_commit(revision):
            return revision
        if not is_revision(revision):
            return ""
        try:
            commit = (self.folder / "refs" / revision).read_text("ascii").strip()
        except (OSError, ValueError):
            return ""
        return commit if is_commit(commit) else ""

    def names(self, commit: str) -> list[str]:
        """The model files of a commit that are here whole."""
        folder = self.folder / "snapshots" / commit
        return sorted(
            name
            for path in folder.rglob("*.gguf")
            if path.exists() and is_file_name(name := path.relative_to(folder).as_posix())
        )

    def commits(self) -> list[str]:
        with contextlib.suppress(OSError):
            found = (path.name for path in (self.folder / "snapshots").iterdir())
            return sorted(name for name in found if is_commit(name))
        return []

    def remember(self, revision: str, commit: str) -> None:
        """Notes what a branch or tag means now."""
        if revision == commit:
            return
        if not is_revision(revision):
            raise InvalidArgument(f"got {revision[:80]!r}, allowed a branch", where="model")
        ref = self.folder / "refs" / revision
        ref.parent.mkdir(parents=True, exist_ok=True)
        write_whole(ref, commit.encode("ascii"))

    def link(self, commit: str, name: str, etag: str) -> Path:
        """Makes the repository's name point to a blob. Returns the name's path."""
        pointer, blob = self.pointer(commit, name), self.blob(etag)
        pointer.parent.mkdir(parents=True, exist_ok=True)
        scratch = pointer.with_name(f".{secrets.token_hex(8)}.link")
        try:
            scratch.symlink_to(os.path.relpath(blob, pointer.parent))
        except OSError:  # a system or disk without links
            scratch.hardlink_to(blob)
        scratch.replace(pointer)
        return pointer


def _safe(part: str, is_good: bool) -> str:
    """The last look before a name becomes a path, whoever checked it before."""
    if not is_good:
        raise InvalidArgument("a name of the hub is none; see `names`", where="model")
    return part


def repositories() -> Iterator[RepoCache]:
    """Every repository of models in the cache."""
    with contextlib.suppress(OSError):
        for folder in sorted(root().iterdir()):
            owner, dashes, name = folder.name.removeprefix(_PREFIX).partition("--")
            is_ours = folder.name.startswith(_PREFIX) and dashes and is_repo(f"{owner}/{name}")
            if is_ours and folder.is_dir():
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
