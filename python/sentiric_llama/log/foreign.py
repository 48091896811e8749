# SPDX-License-Identifier: AGPL-3.0-only
"""Lines of gRPC's own logger, which strangers can cause and whose words hold what they sent."""

from __future__ import annotations

import logging
import time

EVERY_S = 10.0


class ForeignLines(logging.Filter):
    """For a handler: one line for each kind of error in ten seconds, without its words."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}
        """Logger and kind -> when a line was written last, and how many were left out since."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True when the line is to be written."""
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
