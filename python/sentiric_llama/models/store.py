# SPDX-License-Identifier: AGPL-3.0-only
"""From a reference to verified files on disk."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sentiric_llama.errors import InvalidArgument, ModelInvalid, ModelNotFound, Unavailable
from sentiric_llama.host.printable import quoted
from sentiric_llama.models import disk
from sentiric_llama.models.cache import RepoCache, own_folder, publish
from sentiric_llama.models.choice import choose_files, shard_names
from sentiric_llama.models.digest import Digest, Ledger, digest_of_etag
from sentiric_llama.models.download import hub
from sentiric_llama.models.download.hops import require_safe
from sentiric_llama.models.download.progress import Progress, Report
from sentiric_llama.models.download.source import Patience, Source
from sentiric_llama.models.reference import HubFile, Url

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Store:
    """Downloads into the cache. Stateless: make one for each call.

    `sha256` pins the files in order and overrides the hub's checksums.
    """

    report: Report
    sha256: Sequence[str] = ()
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        for text in self.sha256:
            if not re.fullmatch("[0-9a-f]{64}", text):
                raise InvalidArgument(
                    f"got {quoted(text)}, allowed 64 hexadecimal digits", where="model_sha256"
                )

    def from_hub(self, wanted: HubFile, *, refresh: bool = False) -> list[Path]:
        """The model's file, or all its parts in order. Blocks while downloading.

        A cached file with an exact name needs no network, unless `refresh` is set. When the hub
        is unreachable, cached files are used. Raises ModelNotFound, ModelInvalid or Unavailable.
        """
        named = bool(wanted.filename or wanted.quant)
        if (named and not refresh) or hub.is_offline():
            try:
                found = self._from_cache(wanted)
            except ModelInvalid as error:
                if hub.is_offline():
                    raise
                logger.warning("%s", error)  # it is downloaded again
                found = []
            if found:
                return found
            if hub.is_offline():
                raise hub.offline(wanted.repo)
        try:
            return self._from_network(wanted)
        except Unavailable as error:
            found = self._from_cache(wanted)
            if not found:
                raise
            logger.warning("%s; using the cached %s", error, found[0].name)
            return found

    def from_url(self, wanted: Url) -> Path:
        """The file at a URL, cached in our own folder. Blocks while downloading."""
        pinned = wanted.sha256 or (self.sha256[0] if self.sha256 else "")
        require_safe(urlsplit(wanted.url), is_pinned=bool(pinned))
        digest = Digest(pinned) if pinned else None
        address = hashlib.sha256(wanted.url.encode()).hexdigest()[:16]
        final = own_folder() / "urls" / address / wanted.filename
        source = Source(wanted.filename, wanted.url, digest=digest, is_pinned=bool(pinned))
        if final.exists() and (digest is None or self._is_right(final, digest)):
            return final
        if hub.is_offline():
            raise hub.offline(wanted.filename)
        self._obtain(source, final, final.with_name(".lock"))
        return final

    def verify(self, path: Path, digest: Digest) -> None:
        """Verifies a file. Raises ModelInvalid when it is damaged."""
        if not self._is_right(path, digest):
            raise ModelInvalid(
                f"{path} is damaged: its {digest.name} is not {digest.hex}; "
                "download it again with sentiric-llama pull",
                where="model",
            )

    def pin(self, paths: Sequence[Path]) -> None:
        """Verifies files against the configured checksums, if any."""
        if self.sha256 and len(self.sha256) != len(paths):
            raise InvalidArgument(
                f"got {len(self.sha256)} checksums, allowed one for each of {len(paths)} files",
                where="model_sha256",
            )
        for path, expected in zip(paths, self.sha256, strict=False):
            self.verify(path, Digest(expected))

    def _from_cache(self, wanted: HubFile) -> list[Path]:
        """The verified files from the cache; empty when one is missing."""
        cache = RepoCache.of(wanted.repo)
        commit = cache.commit_of(wanted.revision)
        names = cache.names(commit) if commit else []
        try:
            chosen = [wanted.filename] if wanted.filename else None
            chosen = chosen or choose_files(names, wanted.quant, wanted.repo)
        except ModelNotFound:
            return []
        parts = shard_names(chosen[0])
        if not set(parts) <= set(names):
            return []
        paths = [cache.pointer(commit, name) for name in parts]
        self._check_blobs(paths)
        return paths

    def _check_blobs(self, paths: Sequence[Path]) -> None:
        for path in paths:
            digest = digest_of_etag(path.resolve().name)
            if digest is not None:
                self.verify(path, digest)
        self.pin(paths)

    def _from_network(self, wanted: HubFile) -> list[Path]:
        names, revision = self._choose(wanted)
        files = [hub.remote_file(wanted.repo, revision, name) for name in names]
        if self.sha256 and len(self.sha256) != len(files):
            self.pin([Path(name) for name in names])
        cache = RepoCache.of(wanted.repo)
        missing = [file for file in files if not cache.blob(file.etag).exists()]
        with _making_folders(wanted.repo):
            (cache.folder / "blobs").mkdir(parents=True, exist_ok=True)
        disk.require_space(cache.folder, sum(file.size or 0 for file in missing))
        for index, file in enumerate(files):
            self._bring(cache, file, self.sha256[index] if self.sha256 else "")
        with _making_folders(wanted.repo):
            paths = [cache.link(file.commit, file.name, file.etag) for file in files]
            cache.remember(wanted.revision, files[0].commit)
        return paths

    def _choose(self, wanted: HubFile) -> tuple[list[str], str]:
        """The files to download, and the revision that all of them come from."""
        if wanted.filename:
            names = shard_names(wanted.filename)
            if len(names) == 1:
                return names, wanted.revision
            return names, hub.listing(wanted.repo, wanted.revision).commit
        found = hub.listing(wanted.repo, wanted.revision)
        chosen = choose_files(found.names, wanted.quant, wanted.repo)
        return shard_names(chosen[0]), found.commit

    def _bring(self, cache: RepoCache, file: hub.RemoteFile, pinned: str) -> None:
        """Downloads the blob unless it is here and right."""
        digest = digest_of_etag(file.etag)
        if pinned and digest is not None and digest.name == "sha256" and pinned != digest.hex:
            raise ModelInvalid(
                f"{file.name} is not the pinned file; the hub has sha256 {digest.hex}, "
                f"MODEL_SHA256 is {pinned}",
                where="model",
            )
        blob = cache.blob(file.etag)
        expected = Digest(pinned) if pinned else digest
        is_pinned = bool(pinned)
        source = Source(file.name, file.url, file.size, expected, is_pinned, hub.headers())
        if not blob.exists() or (expected is not None and not self._is_right(blob, expected)):
            self._obtain(source, blob, cache.lock(file.etag))

    def _obtain(self, source: Source, final: Path, lock: Path) -> None:
        """Downloads under a lock: one process transfers, the others wait and find the file."""
        from sentiric_llama.models.download.transfer import fetch  # late: few starts download

        with self._holding(lock, source.name):
            final.parent.mkdir(parents=True, exist_ok=True)
            if final.exists() and (source.digest is None or self._is_right(final, source.digest)):
                return
            if final.exists():
                logger.warning("%s is damaged in the cache and downloaded again", source.name)
                final.unlink()
            part = final.with_name(final.name + ".incomplete")
            got = Digest(fetch(source, part, self.report, self.patience))
            size = part.stat().st_size
            with _making_folders(source.name):
                publish(part, final)
            self._ledger.remember(final, got)
            note = f"{got.name} {got.hex}"
            self.report(Progress("done", source.name, size, size, note))

    @contextlib.contextmanager
    def _holding(self, path: Path, name: str) -> Iterator[None]:
        import filelock

        with _making_folders(name):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(path)
            try:
                lock.acquire(timeout=0)
            except filelock.Timeout:
                self.report(Progress("waiting", name))
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _is_right(self, path: Path, digest: Digest) -> bool:
        ledger = self._ledger
        if ledger.is_known(path, digest):
            return True
        size = path.stat().st_size
        self.report(Progress("checking", path.name, size, size))
        return ledger.matches(path, digest)

    @property
    def _ledger(self) -> Ledger:
        return Ledger(own_folder() / "verified")


@contextlib.contextmanager
def _making_folders(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk.cannot_store(name, error) from None
