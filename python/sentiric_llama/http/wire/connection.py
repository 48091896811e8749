# SPDX-License-Identifier: AGPL-3.0-only
"""A connection: uvicorn's, with deadlines, strict framing, and errors in the usual format."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import select
import uuid
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from sentiric_llama.http.errors import HttpError, dump_json, error_body, retry_headers
from sentiric_llama.http.wire.cork import CorkedTransport
from sentiric_llama.http.wire.framing import be_strict
from sentiric_llama.http.wire.half_close import HalfClosed, can_wait
from sentiric_llama.http.wire.linger import LINGER_S
from sentiric_llama.http.wire.phase import AT_START, SEAT_STATE, Phase
from sentiric_llama.http.wire.port import Port
from sentiric_llama.http.wire.refusals import (
    FULL,
    NO_NAME,
    PROBES_ONLY,
    certificate_names,
    is_probe,
    whole_answer,
)
from sentiric_llama.http.wire.seats import Seat, Seats
from sentiric_llama.service.slow_reader import STALL_S

HEAD_TIMEOUT_S = 10.0
"""For a head, from its first byte or the start of the connection; also for the rest of a body
whose request has been answered."""
KEEP_ALIVE_S = 75.0
"""For an idle connection that has served a request. Common proxies close theirs after 60 s."""

_LOGGER = logging.getLogger("uvicorn.error.connection")
_LOGGER.setLevel(logging.ERROR)  # malformed requests are counted, not logged


class Connection(H11Protocol):
    """Closes if a head is incomplete after 10 s, even if its bytes keep arriving."""

    def __init__(
        self,
        *args: Any,
        allowed_names: frozenset[str] = frozenset(),
        port: Port | None = None,
        seat: Seat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.limit_concurrency = None  # `Seats` limits; uvicorn's own refusal is plain text
        self._allowed_names = allowed_names
        self.logger = _LOGGER
        self._port = port or Port(Seats(1))
        self._seat = seat or Seat(self._port.seats, is_reserved=False)
        self._arrived: list[bytes] = []
        self._unread = 0
        self._shedder = self._port.shedder
        self._buffer = be_strict(self.conn)
        self._phase = Phase.SILENT
        self._timer: asyncio.TimerHandle | None = None
        self._half_closed: HalfClosed | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._corked = CorkedTransport(transport, self.conn)
        super().connection_made(self._corked)
        self._seat.leave_now = self._give_way
        if self._seat.is_reserved:
            self.app_state = {**self.app_state, PROBES_ONLY: True}
            self._shedder = None
        elif self._allowed_names and self._allowed_names.isdisjoint(certificate_names(transport)):
            self.app_state = {**self.app_state, NO_NAME: True}
            self._shedder = None
        self._seat.is_quiet = self._is_quiet
        self._seat.stay_silent()
        self._set_timer(HEAD_TIMEOUT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._set_timer(None)
        self._seat.leave()
        self._arrived.clear()
        if self._half_closed is not None:
            self._half_closed.close()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """True keeps the connection open for the response to a complete request."""
        is_new = self._half_closed is None and self._phase is Phase.BUSY
        if is_new and can_wait(self.conn, self.cycle, self._corked):
            with contextlib.suppress(OSError):  # no descriptor left
                self._half_closed = HalfClosed(self.conn, lambda: self.cycle, self._corked)
        return self._half_closed is not None

    def data_received(self, data: bytes) -> None:
        if self._phase is Phase.ENDING:
            return
        if self._phase is Phase.IDLE or self._phase is Phase.SILENT:
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
        if not data or (self._phase in AT_START and self._refuse_unread(data)):
            return
        super().data_received(data)
        self._watch()

    def _refuse_unread(self, data: bytes) -> bool:
        """True if the request that begins here was refused by the load shedder."""
        refusal = self._shedder.refusal(data, self.server) if self._shedder else None
        if refusal is None:
            return False
        self.transport.write(refusal.answer)
        if refusal.closes:
            self._end()
            return True
        self._unread = refusal.num_bytes
        if rest := self._skip(data):
            self.data_received(rest)  # in a later turn, if this one is used up
        return True

    def _skip(self, data: bytes) -> bytes:
        """Discards the rest of a refused request. Returns the data after it."""
        rest = data[self._unread :]
        self._unread = max(0, self._unread - len(data))
        if not self._unread:
            self._phase = Phase.BUSY
        self._enter(Phase.REST if self._unread else Phase.IDLE)
        return rest

    def pause_writing(self) -> None:
        """The peer reads its response slowly, or not at all."""
        super().pause_writing()
        if self._phase is Phase.BUSY:
            self._seat.be_slow()
            self._set_timer(STALL_S)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._phase is Phase.BUSY and not self.transport.is_closing():
            self._seat.work()
            self._set_timer(None)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        if self.cycle is not None and not self.cycle.response_complete:  # type: ignore[redundant-expr]
            self.cycle.disconnected = True  # for the application, which may be reading the body
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()  # in the middle of a response
            return
        what = self._buffer.problem or "not a valid HTTP request"
        code = "bad_framing" if self._buffer.problem else "bad_request"
        error = HttpError(400, what, code=code)
        body = dump_json(error_body(error))
        headers = [
            *retry_headers(error).items(),
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
        """Closes to make room. A request that is still arriving gets a 503."""
        is_asking = self._phase is Phase.HEAD or (
            self._phase is Phase.BODY and not self.cycle.response_started
        )
        if is_asking or (self._phase is Phase.SILENT and self._seat.is_reserved):
            self._port.statuses[503] += 1
            self.transport.write(whole_answer(FULL, uuid.uuid4().hex, closes=True))
        self._close()

    def _close(self) -> None:
        """Closes once pending data is sent, at the latest after LINGER_S."""
        self._set_timer(None)
        self.transport.close()
        self._timer = self.loop.call_later(LINGER_S, self.transport.abort)

    def _end(self) -> None:
        """Sends a FIN, and waits up to LINGER_S for that of the client."""
        self._enter(Phase.ENDING)
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _watch(self) -> None:
        """Updates the phase from the state of h11."""
        if self.transport.is_closing():
            if self._timer is None and self.transport.get_write_buffer_size():
                self._set_timer(STALL_S)  # the client may never read the rest
            return
        if self._phase is Phase.ENDING:
            return
        if self.conn.their_state is h11.IDLE:
            is_idle = not self._buffer and self._phase is not Phase.SILENT
            self._enter(Phase.IDLE if is_idle else Phase.HEAD)
        elif self.conn.their_state is h11.SEND_BODY:
            self._enter(Phase.REST if self.conn.our_state is h11.DONE else Phase.BODY)
        else:
            self._enter(Phase.BUSY)

    def _enter(self, phase: Phase) -> None:
        if phase is self._phase:
            return
        if self._half_closed is not None and phase is not Phase.BUSY:
            self.transport.close()  # no further request can come
            self._set_timer(STALL_S)  # the client may never read the rest
            return
        before, self._phase = self._phase, phase
        if phase in (Phase.BODY, Phase.BUSY):  # the application has timeouts for these
            self._set_timer(None)
        elif phase is Phase.IDLE:
            self._set_timer(KEEP_ALIVE_S)
        elif phase is Phase.ENDING:
            self._set_timer(LINGER_S)
        elif before is not Phase.SILENT:  # the timer of the first head is already running
            self._set_timer(HEAD_TIMEOUT_S)
        is_unread = phase is Phase.IDLE and self.transport.get_write_buffer_size() > 0
        (Seat.be_slow if is_unread else SEAT_STATE[phase])(self._seat)

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self._close) if seconds else None

    def _is_quiet(self) -> bool:
        """False if data has arrived that has not been read."""
        if self._arrived:
            return False
        arrived = select.poll()
        arrived.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not arrived.poll(0)
