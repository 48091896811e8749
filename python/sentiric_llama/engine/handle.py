# SPDX-License-Identifier: AGPL-3.0-only
"""A native engine and its pump, the thread that delivers the engine's events to streams.

The pump enters Python once per engine step: it waits with the GIL released, takes all events of the
step and puts them into the buffers of their streams.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sentiric_llama.engine import convert
from sentiric_llama.engine.stream import WINDOW, StreamItem
from sentiric_llama.errors import Cancelled, ModelNotFound, Unavailable
from sentiric_llama.models import AdapterFiles, check_model
from sentiric_llama.types import Delta, EngineConfig, Request

if TYPE_CHECKING:
    from sentiric_llama import _core

_logger = logging.getLogger("sentiric_llama.ggml")
_logger.addHandler(logging.NullHandler())
_ABORTED = ("failed with error 1", "compute status: 1", "decode, ret = 2")
"""How llama.cpp's error lines end when we abort a step because a client left."""
_NORMAL = ("removing memory module entries",)
"""What llama.cpp warns of each time a sequence is removed."""
_handles: weakref.WeakSet[EngineHandle] = weakref.WeakSet()
_exiting = threading.Event()
"""Set while the interpreter exits: only daemon threads still read, so items are dropped."""


class Sink(Protocol):
    """Receives the items of one stream, on the pump thread."""

    def put(self, item: StreamItem) -> None: ...

    def waker(self) -> Callable[[], None] | None:
        """What to call after all items of a step were put. Equal wakers are called once."""
        ...


class EngineHandle:
    """Thread-safe. Every method raises after `close` and, at once, in a forked child."""

    def __init__(self, config: EngineConfig) -> None:
        from sentiric_llama import _core

        native = convert.config_to_native(config)
        if not config.model_path:
            raise ModelNotFound("no model file; got an empty path", where="model")
        # A bad model or adapter file would crash the process, so check it before native code does.
        header = check_model(Path(config.model_path))
        self._adapters = AdapterFiles(native.lora_dir, header)
        self._pid = os.getpid()
        try:
            self._core = _core.Engine(native)
        finally:
            forward_log()
        # Reentrant: while it is held, the garbage collector may drop a stream, which cancels it.
        self._lock = threading.RLock()
        self._sinks: dict[int, Sink] = {}
        self._is_closed = False
        self._pump = threading.Thread(
            target=_pump,
            args=(self._core, self._lock, self._sinks),
            name="sentiric-pump",
            daemon=True,
        )
        self._pump.start()
        self._finalizer = weakref.finalize(self, _close, self._core, self._pump, self._pid)
        self._finalizer.atexit = False  # see _close_all
        _handles.add(self)

    def check_process(self) -> None:
        """Raises in a forked child, which does not have the engine's threads."""
        if os.getpid() != self._pid:
            raise Unavailable(
                "the engine does not survive fork(); open it in the child, or start workers with "
                "the multiprocessing method 'spawn'",
                where="engine",
            )

    @property
    def core(self) -> _core.Engine:
        """The native engine. Raises Unavailable after `close` and in a forked child."""
        self.check_process()
        if self._is_closed:
            raise Unavailable("the engine is closed", where="engine")
        return self._core

    def checked(self, request: Request) -> _core.Request:
        """Checks a request and converts it for `submit`. Blocks when it names adapters."""
        native = convert.request_to_native(request)
        self.check_process()
        self._adapters.check(name for name, _ in native.adapters)
        return native

    def adapters(self) -> list[str]:
        """Names of the adapter files. Blocks."""
        self.check_process()
        return self._adapters.names()

    def submit(self, request: _core.Request, sink: Sink) -> int:
        """Submits a request, which cannot be used again. `sink` gets its items. Never blocks."""
        core = self.core
        window = WINDOW + len(request.delivered)  # credit counts those, too
        with self._lock:  # the first event must not arrive before the sink is known
            request_id = core.submit(request, window)
            self._sinks[request_id] = sink
        return request_id

    def grant(self, request_id: int, tokens: int) -> None:
        """Lets the engine decode this many more tokens for a request."""
        if not self._is_closed and os.getpid() == self._pid:
            self._core.grant(request_id, tokens)

    def cancel(self, request_id: int) -> None:
        """Ends a request within one step and drops its unread items. Ignores ended requests."""
        if os.getpid() != self._pid:  # the lock may have been held when the process forked
            return
        with self._lock:
            is_live = self._sinks.pop(request_id, None) is not None
        if is_live and not self._is_closed:
            self._core.cancel(request_id)

    def close(self) -> None:
        """Cancels running requests and waits for the engine's threads. Idempotent."""
        self._is_closed = True
        self._finalizer()

    def close_at_exit(self) -> None:
        """As `close`, at interpreter exit, when finalizers no longer run."""
        self._is_closed = True
        _close(self._core, self._pump, self._pid)

    def abandon(self) -> None:
        """Gives the engine up in a forked child, where its threads do not exist."""
        self._finalizer.detach()
        self._core.abandon()


def _close(core: _core.Engine, pump: threading.Thread, pid: int) -> None:
    if os.getpid() != pid:
        return
    core.close()
    if pump is not threading.current_thread():
        pump.join()


def _pump(core: _core.Engine, lock: threading.RLock, sinks: dict[int, Sink]) -> None:
    from sentiric_llama import _core

    is_open = True
    while is_open:
        is_open, events = core.wait_events(1000)
        _deliver(events, lock, sinks)
        _log(_core.take_log_lines)


def _deliver(events: Sequence[_core.Event], lock: threading.RLock, sinks: dict[int, Sink]) -> None:
    """A function of its own, so that no variable keeps an item alive while the pump waits."""
    wakers: set[Callable[[], None]] = set()
    for event in events:
        with lock:
            get = sinks.get if event.final is None else sinks.pop
            sink = get(event.request, None)
        if sink is None or _exiting.is_set():
            continue
        _put(sink, event)
        if (wake := sink.waker()) is not None:
            wakers.add(wake)
    for wake in wakers:
        wake()


def _put(sink: Sink, event: _core.Event) -> None:
    """A function of its own: an error that a variable held would keep its readers' frames alive."""
    for item in _items_of(event):
        sink.put(item)


def _items_of(event: _core.Event) -> list[StreamItem]:
    failure = convert.failure_of(event)
    if (
        failure is None
        and event.final is not None
        and event.final.finish_reason.name == "cancelled"
    ):
        failure = Cancelled("the request was cancelled", where="request")
    if failure is None:
        return [convert.delta_of(event)]
    text = [Delta(text=event.text, tokens=tuple(event.tokens))] if event.text else []
    return [*text, failure]


def forward_log() -> None:
    """Hands llama.cpp's log lines to `logging`."""
    from sentiric_llama import _core

    _log(_core.take_log_lines)


def _log(take_lines: Callable[[], list[tuple[int, str]]]) -> None:
    try:
        lines = take_lines()
    except UnicodeDecodeError:  # llama.cpp logs some of the model's tokens, which may be any bytes
        text = "llama.cpp logged bytes that are not UTF-8; the lines were skipped"
        lines = [(logging.WARNING, text)]
    for level, line in lines:
        # A handler or filter of the application that raises must not end the pump.
        with contextlib.suppress(Exception):
            log_line(level, line)


def log_line(level: int, line: str) -> None:
    """Logs a line of llama.cpp, unless it is about something that is normal here."""
    is_normal = line.endswith(_ABORTED) or any(words in line for words in _NORMAL)
    _logger.log(logging.DEBUG if is_normal else level, "%s", line)


def _abandon_all() -> None:
    for handle in list(_handles):
        handle.abandon()


os.register_at_fork(after_in_child=_abandon_all)


def _close_all() -> None:
    _exiting.set()
    for handle in list(_handles):
        handle.close_at_exit()


atexit.register(_close_all)
