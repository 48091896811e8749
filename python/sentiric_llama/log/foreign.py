# SPDX-License-Identifier: AGPL-3.0-only
"""Limits the lines of gRPC's own logger, which any client can cause and which repeat its input."""

from __future__ import annotations

import logging
import time

EVERY_S = 10.0


class ForeignLines(logging.Filter):
    """A filter that passes one line per kind of error in ten seconds, with a text of ours."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}
        """(logger, kind) -> time of the last written line, and number of lines skipped since."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True if the line should be written."""
        if record.name.partition(".")[0] != "grpc":
            return True
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        now = time.monotonic()
        written_at, left_out = self._seen.get((record.name, kind), (-EVERY_S, 0))
        if now - written_at < EVERY_S:
            self._seen[record.name, kind] = (written_at, left_out + 1)
            return False
        self._seen[record.name, kind] = (now, 0)
        record.msg, record.args = "gRPC's library reported an error", None
        record.attributes = {"left_out": left_out} if left_out else {}
        return True
