# SPDX-License-Identifier: AGPL-3.0-only
"""The phases of a connection."""

from __future__ import annotations

from enum import Enum

from sentiric_llama.http.wire.seats import Seat


class Phase(Enum):
    """What a connection is doing."""

    SILENT = "no data received yet"
    HEAD = "receiving a head"
    BODY = "receiving a body"
    BUSY = "answering a complete request"
    REST = "answered, still receiving the body"
    IDLE = "between two requests"
    ENDING = "refused; discarding input so that the client can read the error"


AT_START = (Phase.SILENT, Phase.IDLE)
SEAT_STATE = {
    Phase.SILENT: Seat.stay_silent,
    Phase.HEAD: Seat.stay_silent,
    Phase.REST: Seat.stay_silent,
    Phase.BODY: Seat.be_slow,
    Phase.BUSY: Seat.work,
    Phase.IDLE: Seat.rest,
    Phase.ENDING: Seat.rest,
}
"""Phase of a connection -> the state of its seat."""
