# SPDX-License-Identifier: AGPL-3.0-only
"""Transfers one file over an unreliable network: resumes where it stopped, hashes as it reads.

The bytes go to a `.incomplete` file beside the final name. The caller renames it after `fetch` has
returned: complete, with the right size and checksum.

huggingface_hub's own download (2.4) checks only the size, gives up when a connection is reset, and
keeps nothing for the next run; that is why hub models come this way too.
"""

from __future__ import annotations

import http.client
import os
import re
import ssl
import time
import urllib.error
from pathlib import Path
from typing import BinaryIO

from sentiric_llama.errors import ModelInvalid, Unavailable
from sentiric_llama.models import disk
from sentiric_llama.models.digest import Digest, Hasher
from sentiric_llama.models.download.failures import (
    bad_certificate,
    bad_status,
    reason_of,
    type_of,
    wrong_file,
)
from sentiric_llama.models.download.part import Part, write
from sentiric_llama.models.download.progress import Kind, Progress, Report
from sentiric_llama.models.download.source import Patience, Source
from sentiric_llama.models.download.web import open_url

_CHUNK = 1 << 20
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_LENGTH = re.compile(r"[0-9]{1,18}")
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")


class _Broken(Exception):
    """This try failed; another may succeed."""


def fetch(source: Source, part: Path, report: Report, patience: Patience) -> str:
    """Downloads into `part`, verifies it and returns its SHA-256 or git hash.

    Content with a wrong checksum is discarded and downloaded once more. Raises ModelInvalid,
    ModelNotFound or Unavailable; after Unavailable `part` stays, for a resume.
    """
    kept = Part(part)
    got = _Transfer(source, kept, report, patience).run()
    wanted = source.digest
    if wanted is None or got == wanted.hex:
        return got
    kept.discard()
    report(Progress("retry", source.name, 0, source.size or 0, "wrong checksum"))
    got = _Transfer(source, kept, report, patience).run()
    if got == wanted.hex:
        return got
    kept.discard()
    raise ModelInvalid(
        f"{source.name} was damaged twice in transfer; got {wanted.name} {got}, expected "
        f"{wanted.hex}; ask the operator of the proxy or mirror, or the repository's owner",
        where="model",
    )


class _Transfer:
    """The transfer of one file, from what is already there to its end."""

    def __init__(self, source: Source, part: Part, report: Report, patience: Patience) -> None:
        self._source = source
        self._part = part
        self._report = report
        self._patience = patience
        self._digest = source.digest or Digest("0" * 64)
        self._done = 0
        self._end: int | None = None  # where the current body ends
        self._validator = ""
        self._hasher: Hasher = self._digest.hasher(source.size or 0)

    def run(self) -> str:
        """Tries until the file is complete. Returns its hash."""
        with self._part.open(self._source.name) as file:
            self._take_up(file)
            disk.require_space(self._part.path.parent, (self._source.size or 0) - self._done)
            self._tell("start")
            self._try_often(file)
            os.fsync(file.fileno())
        self._part.keep_tag("")
        return self._hasher.hexdigest()

    def _try_often(self, file: BinaryIO) -> None:
        failures = 0
        while not self._is_whole():
            before = self._done
            try:
                self._try(file)
                return
            except _Broken as problem:
                has_progress = self._done - before >= self._patience.slow_bytes
                failures = 0 if has_progress else failures + 1
                if failures >= self._patience.tries:
                    raise Unavailable(
                        f"cannot download {self._source.name} ({problem}) after {failures} tries; "
                        "the part so far is kept, start again to resume",
                        where="model",
                    ) from None
                self._tell("retry", str(problem))
                time.sleep(min(30.0, self._patience.backoff_s * 2 ** max(0, failures - 1)))

    def _take_up(self, file: BinaryIO) -> None:
        """Resumes what an earlier run left, if it provably belongs to this content."""
        self._validator = self._part.tag()
        is_ours = self._source.digest is not None or self._validator
        size = file.seek(0, 2)
        if not is_ours or size > (self._source.size or size):
            self._restart(file)
            return
        file.seek(0)
        while chunk := file.read(_CHUNK):
            self._hasher.update(chunk)
        self._done = size

    def _restart(self, file: BinaryIO) -> None:
        file.truncate(0)
        self._done = 0
        self._hasher = self._digest.hasher(self._source.size or 0)

    def _is_whole(self) -> bool:
        return self._source.size is not None and self._done == self._source.size

    def _try(self, file: BinaryIO) -> None:
        """One request and its body. Raises _Broken when the rest did not arrive."""
        url, stall_s, is_pinned = self._source.url, self._patience.stall_s, self._source.is_pinned
        try:
            with open_url(url, self._headers(), stall_s, is_pinned=is_pinned) as answer:
                self._meet(answer, file)
                self._copy(answer, file)
        except urllib.error.HTTPError as error:
            with error:
                self._judge(error, file)
        except ssl.SSLCertVerificationError as error:
            raise bad_certificate(error) from None
        except (OSError, http.client.HTTPException) as error:
            if isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError):
                raise bad_certificate(error) from None
            raise _Broken(reason_of(error)) from None
        if self._end is not None and self._done < self._end:
            raise _Broken("the connection closed early")

    def _headers(self) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity", **self._source.headers}
        if self._done:
            headers["Range"] = f"bytes={self._done}-"
            if self._validator:
                headers["If-Range"] = self._validator
        return headers

    def _meet(self, answer: http.client.HTTPResponse, file: BinaryIO) -> None:
        """Checks the answer's head against the request."""
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise wrong_file(self._source.name, "the server compresses it unasked")
        if answer.status == 206:
            self._meet_range(answer, file)
        elif self._done:
            self._restart(file)  # the server ignores ranges, or the content changed
        self._remember_validator(answer)
        size, told = self._source.size, answer.headers.get("Content-Length", "")
        self._end = self._done + int(told) if _LENGTH.fullmatch(told) else size
        if size is None:
            disk.require_space(self._part.path.parent, (self._end or 0) - self._done)
        elif self._end != size:
            raise wrong_file(self._source.name, f"the server sends {self._end} bytes of {size}")

    def _meet_range(self, answer: http.client.HTTPResponse, file: BinaryIO) -> None:
        match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if match is None or int(match[1]) != self._done:
            self._restart(file)
            raise _Broken("the server sent another range")
        if match[2] != "*" and self._source.size not in (None, int(match[2])):
            raise wrong_file(self._source.name, f"the server's file has {match[2]} bytes")

    def _remember_validator(self, answer: http.client.HTTPResponse) -> None:
        """With a strong tag the server sends the whole file when it changed before a resume."""
        tag = answer.headers.get("ETag", "")
        self._validator = tag if tag.startswith('"') and tag.isascii() else ""
        self._part.keep_tag(self._validator)

    def _copy(self, answer: http.client.HTTPResponse, file: BinaryIO) -> None:
        size = self._source.size
        window_end, window_bytes = time.monotonic() + self._patience.stall_s, 0
        while chunk := answer.read1(_CHUNK):
            if not self._done and not chunk.startswith(b"GGUF"[: len(chunk)]):
                raise wrong_file(self._source.name, f"the server sent {type_of(answer, chunk)}")
            if size is not None and self._done + len(chunk) > size:
                self._restart(file)
                raise wrong_file(self._source.name, f"the server sends more than {size} bytes")
            write(file, chunk)
            self._hasher.update(chunk)
            self._done += len(chunk)
            window_bytes += len(chunk)
            self._tell("progress")
            if time.monotonic() > window_end:
                if window_bytes < self._patience.slow_bytes:
                    raise _Broken("the server is too slow")
                window_end, window_bytes = time.monotonic() + self._patience.stall_s, 0

    def _judge(self, error: urllib.error.HTTPError, file: BinaryIO) -> None:
        """A status of 400 or above."""
        if error.code == 416 and self._done:
            self._restart(file)
            raise _Broken("the server does not know this range")
        if error.code in _TRANSIENT:
            raise _Broken(f"the server answered {error.code}")
        raise bad_status(self._source.name, error)

    def _tell(self, kind: Kind, note: str = "") -> None:
        total = self._source.size or 0
        self._report(Progress(kind, self._source.name, self._done, total, note))
