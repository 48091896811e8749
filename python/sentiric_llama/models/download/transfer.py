# SPDX-License-Identifier: AGPL-3.0-only
"""One file over a network that breaks: resumed where it stopped, hashed while it comes.

The bytes go into a `.incomplete` file beside the final name. They get that name from the caller,
after `fetch` has returned: complete, of the right size, with the right checksum.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import os
import re
import ssl
import time
import urllib.error
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from sentiric_llama.errors import ModelInvalid, ModelNotFound, SentiricLlamaError, Unavailable
from sentiric_llama.host.private_files import open_to_resume, write_whole
from sentiric_llama.models import disk
from sentiric_llama.models.digest import Digest, Hasher
from sentiric_llama.models.download.progress import Kind, Progress, Report
from sentiric_llama.models.download.web import open_url

_CHUNK = 1 << 20
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a file comes from and what it must be. `size` in bytes; None is not known."""

    name: str
    url: str
    size: int | None = None
    digest: Digest | None = None
    is_pinned: bool = False
    """The user gave the checksum, not the server; see `hops`."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Patience:
    """How much trouble is borne. Times in seconds."""

    tries: int = 5
    """In a row that brought nothing new; one that did starts the count again."""
    backoff_s: float = 1.0
    """Before the second try; doubled for each further one."""
    stall_s: float = 30.0
    """Longest silence, and the time in which `slow_bytes` must come."""
    slow_bytes: int = 1024


class _Broken(Exception):
    """This try is over; another may do better."""


def fetch(source: Source, part: Path, report: Report, patience: Patience) -> str:
    """Brings `part` to the whole, checked content and returns its SHA-256 or git hash.

    Content with a wrong checksum is thrown away and fetched once more. Raises ModelInvalid,
    ModelNotFound or Unavailable; after Unavailable what has come stays for a resume.
    """
    got = _Transfer(source, part, report, patience).run()
    wanted = source.digest
    if wanted is None or got == wanted.hex:
        return got
    _discard(part)
    report(Progress("retry", source.name, 0, source.size or 0, "wrong checksum"))
    got = _Transfer(source, part, report, patience).run()
    if got == wanted.hex:
        return got
    _discard(part)
    raise ModelInvalid(
        f"{source.name} was damaged twice on its way; got {wanted.name} {got}, expected "
        f"{wanted.hex}; ask who runs the proxy or mirror, or the repository's owner",
        where="model",
    )


class _Transfer:
    """One file from what is there to its end."""

    def __init__(self, source: Source, part: Path, report: Report, patience: Patience) -> None:
        self._source = source
        self._part = part
        self._tag = part.with_name(part.name + ".etag")
        self._report = report
        self._patience = patience
        self._digest = source.digest or Digest("0" * 64)
        self._done = 0
        self._end: int | None = None  # where the body that is coming ends
        self._validator = ""
        self._hasher: Hasher = self._digest.hasher(source.size or 0)

    def run(self) -> str:
        """Tries until the file is whole. Returns its hash."""
        with _storing(self._source.name, self._part), open_to_resume(self._part) as file:
            self._take_up(file)
            disk.require_space(self._part.parent, (self._source.size or 0) - self._done)
            self._tell("start")
            self._try_often(file)
            os.fsync(file.fileno())
        self._tag.unlink(missing_ok=True)
        return self._hasher.hexdigest()

    def _try_often(self, file: BinaryIO) -> None:
        failures = 0
        while not self._is_whole():
            before = self._done
            try:
                self._try(file)
                return
            except _Broken as problem:
                failures = 0 if self._done > before else failures + 1
                if failures >= self._patience.tries:
                    raise Unavailable(
                        f"cannot fetch {self._source.name} ({problem}) after {failures} tries; "
                        "what has come is kept, start again to go on",
                        where="model",
                    ) from None
                self._tell("retry", str(problem))
                time.sleep(min(30.0, self._patience.backoff_s * 2 ** max(0, failures - 1)))

    def _take_up(self, file: BinaryIO) -> None:
        """Goes on after what an earlier run left, if it can be told to belong to this content."""
        with contextlib.suppress(OSError):
            self._validator = self._tag.read_text("ascii")
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
        """One request and its body. Raises _Broken when it did not bring the rest."""
        try:
            with self._open() as answer:
                self._meet(answer, file)
                self._copy(answer, file)
        except urllib.error.HTTPError as error:
            with error:
                self._judge(error, file)
        except ssl.SSLCertVerificationError as error:
            raise _certificate(error) from None
        except (OSError, http.client.HTTPException) as error:
            if isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError):
                raise _certificate(error) from None
            raise _Broken(_reason(error)) from None
        if self._end is not None and self._done < self._end:
            raise _Broken("the connection ended early")

    def _open(self) -> http.client.HTTPResponse:
        source, stall_s = self._source, self._patience.stall_s
        return open_url(source.url, self._headers(), stall_s, is_pinned=source.is_pinned)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity", **self._source.headers}
        if self._done:
            headers["Range"] = f"bytes={self._done}-"
            if self._validator:
                headers["If-Range"] = self._validator
        return headers

    def _meet(self, answer: http.client.HTTPResponse, file: BinaryIO) -> None:
        """Compares what the server is about to send with what was asked for."""
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise _refused(self._source.name, "the server insists on compressing it")
        if answer.status == 206:
            self._meet_range(answer, file)
        elif self._done:
            self._restart(file)  # it ignores ranges, or the content changed
        self._remember_validator(answer)
        length = answer.headers.get("Content-Length", "")
        self._end = self._done + int(length) if length.isdigit() else self._source.size
        if self._source.size is None:
            disk.require_space(self._part.parent, int(length or 0))
        elif self._end != self._source.size:
            raise _refused(
                self._source.name, f"the server sends {self._end} bytes of {self._source.size}"
            )

    def _meet_range(self, answer: http.client.HTTPResponse, file: BinaryIO) -> None:
        match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if match is None or int(match[1]) != self._done:
            self._restart(file)
            raise _Broken("the server answered with another range")
        if match[2] != "*" and self._source.size not in (None, int(match[2])):
            raise _refused(self._source.name, f"the server's file has {match[2]} bytes")

    def _remember_validator(self, answer: http.client.HTTPResponse) -> None:
        """A strong tag lets the next range be refused when the content changed meanwhile."""
        tag = answer.headers.get("ETag", "")
        self._validator = tag if tag.startswith('"') and tag.isascii() else ""
        with contextlib.suppress(OSError):  # without it a resume starts again
            self._tag.unlink(missing_ok=True)
            if self._validator:
                write_whole(self._tag, self._validator.encode("ascii"))

    def _copy(self, answer: http.client.HTTPResponse, file: BinaryIO) -> None:
        size = self._source.size
        window_end, window_bytes = time.monotonic() + self._patience.stall_s, 0
        while chunk := answer.read1(_CHUNK):
            if not self._done and not chunk.startswith(b"GGUF"[: len(chunk)]):
                raise _refused(self._source.name, f"the server sent {_kind_of(answer, chunk)}")
            if size is not None and self._done + len(chunk) > size:
                self._restart(file)
                raise _refused(self._source.name, f"the server sends more than {size} bytes")
            _write(file, chunk)
            self._hasher.update(chunk)
            self._done += len(chunk)
            window_bytes += len(chunk)
            self._tell("progress")
            if time.monotonic() > window_end:
                if window_bytes < self._patience.slow_bytes:
                    raise _Broken("the server is too slow")
                window_end, window_bytes = time.monotonic() + self._patience.stall_s, 0

    def _judge(self, error: urllib.error.HTTPError, file: BinaryIO) -> None:
        """A status code from 400 on."""
        name, code = self._source.name, error.code
        if code == 416 and self._done:
            self._restart(file)
            raise _Broken("the server does not know this range")
        if code in _TRANSIENT:
            raise _Broken(f"the server answered {code}")
        if code in (401, 403):
            raise ModelNotFound(
                f"the server refuses {name} ({code}); accept its terms on the hub and set HF_TOKEN",
                where="model",
            )
        if code in (404, 410):
            raise ModelNotFound(f"there is no {name} ({code}); check the name", where="model")
        raise Unavailable(
            f"cannot fetch {name}: the server answered {code} ({error.reason})", where="model"
        )

    def _tell(self, kind: Kind, note: str = "") -> None:
        total = self._source.size or 0
        self._report(Progress(kind, self._source.name, self._done, total, note))


class _WriteFailed(Exception):
    """The disk, not the network."""


def _write(file: BinaryIO, chunk: bytes) -> None:
    try:
        file.write(chunk)
        file.flush()
    except OSError as error:
        raise _WriteFailed from error


@contextlib.contextmanager
def _storing(name: str, part: Path) -> Iterator[None]:
    """Errors of the disk in our words; what fills a full disk is given back."""
    try:
        yield
    except _WriteFailed as failure:
        error = failure.__cause__
        assert isinstance(error, OSError)
        if disk.is_full(error):
            _discard(part)
        raise disk.cannot_store(name, error) from None
    except ModelInvalid:
        _discard(part)
        raise
    except SentiricLlamaError:
        raise
    except OSError as error:
        raise disk.cannot_store(name, error) from None


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    part.with_name(part.name + ".etag").unlink(missing_ok=True)


def _refused(name: str, what: str) -> ModelInvalid:
    return ModelInvalid(f"{name} is not what was asked for: {what}", where="model")


def _certificate(error: Exception) -> Unavailable:
    return Unavailable(
        f"the server's certificate is not trusted ({_reason(error)}); "
        "behind a company's proxy set SSL_CERT_FILE to its certificates",
        where="model",
    )


def _kind_of(answer: http.client.HTTPResponse, chunk: bytes) -> str:
    kind = answer.headers.get_content_type()
    return "a web page" if kind == "text/html" or chunk.lstrip()[:1] == b"<" else "no GGUF file"


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        return _reason(error.reason)
    if isinstance(error, TimeoutError):
        return "the server is silent"
    return getattr(error, "strerror", None) or type(error).__name__
