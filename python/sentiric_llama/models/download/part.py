# SPDX-License-Identifier: AGPL-3.0-only
"""The `.incomplete` file of a download, and beside it the tag of the content it is a part of."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sentiric_llama.errors import ModelInvalid, SentiricLlamaError
from sentiric_llama.host.private_files import open_to_resume, write_whole
from sentiric_llama.models import disk


@dataclass(frozen=True, slots=True)
class Part:
    """Where the bytes go until the file is complete."""

    path: Path

    @property
    def _tag(self) -> Path:
        return self.path.with_name(self.path.name + ".etag")

    def tag(self) -> str:
        """The tag that an earlier run left; empty without one."""
        try:
            return self._tag.read_text("ascii")
        except (OSError, ValueError):
            return ""

    def keep_tag(self, tag: str) -> None:
        """Replaces the tag. Without one the next run starts over, so a failure is no error."""
        with contextlib.suppress(OSError):
            self._tag.unlink(missing_ok=True)
            if tag:
                write_whole(self._tag, tag.encode("ascii"))

    def discard(self) -> None:
        """Removes both files."""
        self.path.unlink(missing_ok=True)
        self._tag.unlink(missing_ok=True)

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """The file, with what an earlier run left. `name` is for errors.

        Disk errors come out as ours. Content that is wrong, or fills the disk, is removed.
        """
        try:
            with open_to_resume(self.path) as file:
                yield file
        except _WriteFailed as failure:
            error = failure.__cause__
            assert isinstance(error, OSError)
            if disk.is_full(error):
                self.discard()
            raise disk.cannot_store(name, error) from None
        except ModelInvalid:
            self.discard()
            raise
        except SentiricLlamaError:
            raise
        except OSError as error:
            raise disk.cannot_store(name, error) from None


class _WriteFailed(Exception):
    """The disk failed, not the network, whose errors are OSErrors too."""


def write(file: BinaryIO, chunk: bytes) -> None:
    """Writes through to the system, so that a full disk is noticed here."""
    try:
        file.write(chunk)
        file.flush()
    except OSError as error:
        raise _WriteFailed from error
