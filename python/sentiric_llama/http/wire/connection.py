# SPDX-License-Identifier: AGPL-3.0-only
"""One connection: uvicorn's, with deadlines, strict framing and refusals in our shape."""

from __future__ import annotations

import asyncio
import logging
import select
import uuid
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from sentiric_llama.http.errors import HttpError, dump_json, error_body
from sentiric_llama.http.wire.cork import CorkedTransport
from sentiric_llama.http.wire.framing import be_strict
from sentiric_llama.http.wire.gate import Gate
from sentiric_llama.http.wire.linger import LINGER_S
from sentiric_llama.http.wire.refusals import FULL, NO_NAME, PROBES_ONLY, is_probe, whole_answer
from sentiric_llama.http.wire.seats import Seat, Seats
from sentiric_llama.http.wire.turns import Turns
from sentiric_llama.service.slow_reader import STALL_S

HEAD_TIMEOUT_S = 10.0
"""For a head, from its first byte or from the start of the connection; also for a body that is
thrown away because its request has been answered."""
KEEP_ALIVE_S = 75.0
"""For a connection that has served a request; above the 60 s that common proxies keep theirs."""

_LOGGER = logging.getLogger("uvicorn.error.connection")
_LOGGER.setLevel(logging.ERROR)  # what strangers send is no warning of ours; it is counted


@dataclass(slots=True)
class Port:
    """What the connections of one port share."""

    seats: Seats
    statuses: Counter[int] = field(default_factory=Counter)
    """Status -> answers that no application gave."""
    gate: Gate | None = None
    turns: Turns = field(default_factory=Turns)
    urgent: Turns = field(default_factory=Turns)
    """For probes, which do not queue behind the others."""


class _Phase(Enum):
    SILENT = "nothing has come yet"
    HEAD = "a head has begun"
    BODY = "the rest of a request is to come"
    BUSY = "a request is answered"
    REST = "answered before the end of its body"
    IDLE = "between two requests"
    ENDING = "refused; what still comes is thrown away, so that the client can read why"


class Connection(H11Protocol):
    """Closed when a head is not complete 10 s after it began, however its bytes are spread."""

    def __init__(
        self,
        *args: Any,
        allowed_names: frozenset[str] = frozenset(),
        port: Port | None = None,
        seat: Seat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.limit_concurrency = None  # uvicorn's own refusal is plain text; `Seats` decides
        self._allowed_names = allowed_names
        self.logger = _LOGGER
        self._port = port or Port(Seats(1))
        self._seat = seat or Seat(self._port.seats, is_reserved=False)
        self._arrived: list[bytes] = []
        self._unread = 0
        self._gate = self._port.gate
        self._buffer = be_strict(self.conn)
        self._phase = _Phase.SILENT
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(CorkedTransport(transport, self.conn))
        self._seat.leave_now = self._give_way
        if self._seat.is_reserved:
            self.app_state = {**self.app_state, PROBES_ONLY: True}
            self._gate = None
        elif self._allowed_names and self._allowed_names.isdisjoint(certificate_names(transport)):
            self.app_state = {**self.app_state, NO_NAME: True}
            self._gate = None
        self._seat.is_quiet = self._is_quiet
        self._seat.stay_silent()
        self._set_timer(HEAD_TIMEOUT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._set_timer(None)
        self._seat.leave()
        self._arrived.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._phase is _Phase.ENDING:
            return
        if self._phase is _Phase.IDLE or self._phase is _Phase.SILENT:
            self._seat.work()
        self._arrived.append(data)
        if len(self._arrived) == 1:
            turns = self._port.urgent if is_probe(data) else self._port.turns
            if not turns.run(self._read):
                self.flow.pause_reading()

    def _read(self) -> None:
        data = b"".join(self._arrived)
        self._arrived.clear()
        if not data or self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self._unread:
            data = self._skip(data)
        if not data or (self._phase in _AT_START and self._refuse_unread(data)):
            return
        super().data_received(data)
        self._watch()

    def _refuse_unread(self, data: bytes) -> bool:
        """True when the gate has answered the request that begins here."""
        refusal = self._gate.refusal(data, self.server) if self._gate else None
        if refusal is None:
            return False
        self.transport.write(refusal.answer)
        if refusal.closes:
            self._end()
            return True
        self._unread = refusal.num_bytes
        if rest := self._skip(data):
            self.data_received(rest)  # in a turn of its own, when there is none left in this one
        return True

    def _skip(self, data: bytes) -> bytes:
        """Throws away what belongs to a request that has been refused, and returns the rest."""
        rest = data[self._unread :]
        self._unread = max(0, self._unread - len(data))
        if not self._unread:
            self._phase = _Phase.BUSY
        self._enter(_Phase.REST if self._unread else _Phase.IDLE)
        return rest

    def pause_writing(self) -> None:
        """The peer takes its answer slowly, or not at all."""
        super().pause_writing()
        if self._phase is _Phase.BUSY:
            self._seat.be_slow()
            self._set_timer(STALL_S)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._phase is _Phase.BUSY:
            self._seat.work()
            self._set_timer(None)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        if self.cycle is not None and not self.cycle.response_complete:  # type: ignore[redundant-expr]
            self.cycle.disconnected = True  # the application that reads this body is told so
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()  # in the middle of an answer: there is nothing to add
            return
        what = self._buffer.problem or "not a valid HTTP request"
        code = "bad_framing" if self._buffer.problem else "bad_request"
        body = dump_json(error_body(HttpError(400, what, code=code)))
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
            ("x-request-id", uuid.uuid4().hex),
        ]
        self._port.statuses[400] += 1
        response = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self._end()

    def _give_way(self) -> None:
        """A newcomer takes the place; a request that is on its way finds out why."""
        is_asking = self._phase is _Phase.HEAD or (
            self._phase is _Phase.BODY and not self.cycle.response_started
        )
        if is_asking or (self._phase is _Phase.SILENT and self._seat.is_reserved):
            self._port.statuses[503] += 1
            self.transport.write(whole_answer(FULL, uuid.uuid4().hex, closes=True))
        self._close()

    def _close(self) -> None:
        """What is written already has a moment to leave."""
        self._set_timer(None)
        self.transport.close()
        self._timer = self.loop.call_later(LINGER_S, self.transport.abort)

    def _end(self) -> None:
        """Says that nothing more will come, and waits a moment for the client to agree."""
        self._enter(_Phase.ENDING)
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _watch(self) -> None:
        """Finds out what the connection does now."""
        if self.transport.is_closing() or self._phase is _Phase.ENDING:
            return
        if self.conn.their_state is h11.IDLE:
            is_idle = not self._buffer and self._phase is not _Phase.SILENT
            self._enter(_Phase.IDLE if is_idle else _Phase.HEAD)
        elif self.conn.their_state is h11.SEND_BODY:
            self._enter(_Phase.REST if self.conn.our_state is h11.DONE else _Phase.BODY)
        else:
            self._enter(_Phase.BUSY)

    def _enter(self, phase: _Phase) -> None:
        if phase is self._phase:
            return
        before, self._phase = self._phase, phase
        if phase in (_Phase.BODY, _Phase.BUSY):  # the application looks at the time
            self._set_timer(None)
        elif phase is _Phase.IDLE:
            self._set_timer(KEEP_ALIVE_S)
        elif phase is _Phase.ENDING:
            self._set_timer(LINGER_S)
        elif before is not _Phase.SILENT:  # the first head's time has begun before its first byte
            self._set_timer(HEAD_TIMEOUT_S)
        is_unread = phase is _Phase.IDLE and self.transport.get_write_buffer_size() > 0
        (Seat.be_slow if is_unread else _SEATED[phase])(self._seat)

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self._close) if seconds else None

    def _is_quiet(self) -> bool:
        """False when the kernel holds a request that has not been read yet."""
        if self._arrived:
            return False
        arrived = select.poll()
        arrived.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not arrived.poll(0)


_AT_START = (_Phase.SILENT, _Phase.IDLE)
_SEATED = {
    _Phase.SILENT: Seat.stay_silent,
    _Phase.HEAD: Seat.stay_silent,
    _Phase.REST: Seat.stay_silent,
    _Phase.BODY: Seat.be_slow,
    _Phase.BUSY: Seat.work,
    _Phase.IDLE: Seat.rest,
    _Phase.ENDING: Seat.rest,
}
"""What its connection's phase means for a seat."""


def certificate_names(transport: asyncio.Transport) -> set[str]:
    """The subject alternative names of the client's certificate; it was checked before."""
    found = (transport.get_extra_info("peercert") or {}).get("subjectAltName", ())
    return {value for _, value in found}
