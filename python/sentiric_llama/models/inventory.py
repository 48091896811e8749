# SPDX-License-Identifier: AGPL-3.0-only
"""The models on this machine: listing, verifying and removing them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sentiric_llama.errors import ModelNotFound, SentiricLlamaError
from sentiric_llama.gguf.header import read_header
from sentiric_llama.models.cache import RepoCache, own_folder, repositories
from sentiric_llama.models.choice import has_quant, shard_names
from sentiric_llama.models.digest import Digest, Ledger, digest_of_etag
from sentiric_llama.models.reference import Guide, HubFile, LocalPath, Url, parse


@dataclass(frozen=True, slots=True)
class StoredModel:
    """One cached model: a file, or all parts of a split model."""

    repo: str
    """Empty for a file from a plain URL."""
    name: str
    """The first part's name in the repository."""
    commit: str
    paths: tuple[Path, ...]

    @property
    def reference(self) -> str:
        """The reference that names exactly this model."""
        return f"{self.repo}/{self.name}" if self.repo else str(self.paths[0])

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of missing parts."""
        return tuple(path.name for path in self.paths if not path.exists())

    @property
    def size_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.paths if path.exists())


def stored_models() -> list[StoredModel]:
    """All cached models, by repository and name."""
    found = [model for cache in repositories() for model in _models_of(cache)]
    files = sorted((own_folder() / "urls").glob("*/*.gguf"))
    return [*found, *(StoredModel("", path.name, "", (path,)) for path in files)]


def find_stored(text: str) -> list[StoredModel]:
    """The cached models that a reference names. Raises ModelNotFound when there are none."""
    wanted = parse(text)
    if isinstance(wanted, Guide):
        raise ModelNotFound("the guide is part of this package, not of the cache", where="model")
    found = [model for model in stored_models() if _is_meant(wanted, model)]
    if not found:
        raise ModelNotFound(
            f"{text} is not in the cache; list it with: sentiric-llama models", where="model"
        )
    return found


def remove(model: StoredModel) -> int:
    """Removes the names, and content that no other name links to. Returns the bytes freed.

    A server that has the file open keeps it until it exits.
    """
    freed = 0
    for path in model.paths:
        blob = path.resolve()
        path.unlink(missing_ok=True)
        if model.repo and blob.parent.name == "blobs" and _is_meant_elsewhere(model, blob):
            continue
        with contextlib.suppress(FileNotFoundError):
            freed += blob.stat().st_size
            blob.unlink(missing_ok=True)
        _forget(blob)
        for rest in blob.parent.glob(f"{blob.name}.incomplete*"):
            rest.unlink(missing_ok=True)
    for path in model.paths:
        _remove_empty(path.parent, model)
    return freed


def verify(model: StoredModel) -> Iterator[tuple[Path, str]]:
    """Reads every part again and yields it with its state.

    "ok", "damaged" (wrong checksum), "invalid" (not a GGUF file), "missing" or "no checksum".
    """
    for path in model.paths:
        yield path, _state_of(path)


def digest_of(model: StoredModel) -> Digest | None:
    """The checksum of its first part, if known."""
    return _digest_of(model.paths[0])


def _models_of(cache: RepoCache) -> Iterator[StoredModel]:
    for commit in cache.commits():
        names = cache.names(commit)
        firsts = {shard_names(name)[0] for name in names}
        for first in sorted(firsts):
            paths = tuple(cache.pointer(commit, name) for name in shard_names(first))
            yield StoredModel(cache.repo, first, commit, paths)


def _state_of(path: Path) -> str:
    if not path.exists():
        return "missing"
    digest = _digest_of(path)
    if digest is not None:
        _ledger().forget(digest)
        if not _ledger().matches(path, digest):
            return "damaged"
    try:
        read_header(path)
    except SentiricLlamaError:
        return "invalid"
    return "no checksum" if digest is None else "ok"


def _is_meant(wanted: HubFile | LocalPath | Url | Guide, model: StoredModel) -> bool:
    match wanted:
        case HubFile():
            is_named = wanted.filename in ("", model.name)
            is_quant = not wanted.quant or has_quant(model.name, wanted.quant)
            is_commit = wanted.revision in ("main", model.commit)
            return wanted.repo == model.repo and is_named and is_quant and is_commit
        case LocalPath(path):
            return path.absolute() in [part.absolute() for part in model.paths]
        case Url():
            return not model.repo and model.name == wanted.filename
    return False


def _is_meant_elsewhere(model: StoredModel, blob: Path) -> bool:
    folder = RepoCache.of(model.repo).folder / "snapshots"
    return any(path.resolve() == blob for path in folder.rglob("*") if not path.is_dir())


def _remove_empty(folder: Path, model: StoredModel) -> None:
    """Removes empty folders, up to the cache's own."""
    top = RepoCache.of(model.repo).folder if model.repo else folder
    for emptied in (folder, *folder.parents):
        if emptied != top and not emptied.is_relative_to(top):
            return
        if emptied == top and model.repo:
            _remove_repository(top)
            return
        with contextlib.suppress(OSError):
            (emptied / ".lock").unlink(missing_ok=True)
            emptied.rmdir()


def _remove_repository(folder: Path) -> None:
    """Removes what is left of a repository without snapshots."""
    if any((folder / "snapshots").glob("*")):
        return
    for path in sorted(folder.rglob("*"), reverse=True):
        with contextlib.suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()


def _digest_of(path: Path) -> Digest | None:
    return digest_of_etag(path.resolve().name)


def _forget(blob: Path) -> None:
    digest = digest_of_etag(blob.name)
    if digest is not None:
        _ledger().forget(digest)


def _ledger() -> Ledger:
    return Ledger(own_folder() / "verified")
