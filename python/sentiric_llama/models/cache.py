# SPDX-License-Identifier: AGPL-3.0-only
"""The Hugging Face cache on disk, in the layout that `hf` and all other tools of the hub share.

models--org--repo/refs/main            the commit that the branch pointed to last time
models--org--repo/blobs/<checksum>     content, read-only, named by its checksum
models--org--repo/snapshots/<commit>/  the repository's file names, as links to blobs
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.printable import quoted
from sentiric_llama.host.private_files import write_whole
from sentiric_llama.models.names import is_commit, is_file_name, is_repo, is_revision, is_tag

_PREFIX = "models--"


def root() -> Path:
    """The folder of all repositories, from HF_HUB_CACHE or HF_HOME."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def own_folder() -> Path:
    """Our folder beside it: records of verified files, and files from plain URLs."""
    from huggingface_hub import constants

    return Path(constants.HF_HOME) / "sentiric-llama"


@dataclass(frozen=True, slots=True)
class RepoCache:
    """One repository's folder, which need not exist."""

    repo: str
    folder: Path

    @classmethod
    def of(cls, repo: str) -> RepoCache:
        if not is_repo(repo):
            raise InvalidArgument(f"got {quoted(repo)}, allowed org/repo", where="model")
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
        """The commit that a branch or tag pointed to last time; empty when unknown."""
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
        """The complete model files of a commit."""
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
        """Records the commit that a branch or tag points to now."""
        if revision == commit:
            return
        if not is_revision(revision):
            raise InvalidArgument(f"got {quoted(revision)}, allowed a branch", where="model")
        ref = self.folder / "refs" / revision
        ref.parent.mkdir(parents=True, exist_ok=True)
        write_whole(ref, commit.encode("ascii"))

    def link(self, commit: str, name: str, etag: str) -> Path:
        """Links a file name of the repository to a blob. Returns the link's path."""
        pointer, blob = self.pointer(commit, name), self.blob(etag)
        pointer.parent.mkdir(parents=True, exist_ok=True)
        scratch = pointer.with_name(f".{secrets.token_hex(8)}.link")
        try:
            scratch.symlink_to(os.path.relpath(blob, pointer.parent))
        except OSError:  # no symbolic links here
            scratch.hardlink_to(blob)
        scratch.replace(pointer)
        return pointer


def _safe(part: str, is_good: bool) -> str:
    """The last check before a name becomes a path."""
    if not is_good:
        raise InvalidArgument("the hub sent a name that cannot be a file name", where="model")
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
    """Moves a complete file to its final name, read-only and durable."""
    part.chmod(0o444)
    part.replace(final)
    with contextlib.suppress(OSError):  # some file systems cannot sync a folder
        folder = os.open(final.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
