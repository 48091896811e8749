# SPDX-License-Identifier: AGPL-3.0-only
"""One engine process and the conversation with it, from start to death."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import itertools
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

from sentiric_llama.engine import messages as m
from sentiric_llama.engine.handle import log_line
from sentiric_llama.engine.process.confinement import Confinement, report
from sentiric_llama.engine.process.connection import Connection
from sentiric_llama.engine.process.death import Death, Stall, Violation, examine
from sentiric_llama.engine.process.flight_page import FlightPage
from sentiric_llama.engine.process.launch import EngineProcess
from sentiric_llama.engine.prompt.conversation import is_large
from sentiric_llama.errors import InvalidArgument, SentiricLlamaError, Unavailable
from sentiric_llama.host.machine import out_of_memory_kills
from sentiric_llama.host.off_loop import maybe_off_loop

LAST_LINES = 20
MAX_LINES = 2000
"""Lines of a process that reach the log in a second."""
START_S = 10.0
"""How long a process may take to start and to confine itself, which takes milliseconds."""
CLOSE_S = 10.0
"""How long a process that was asked to close may write its cache to the disk."""
_LEVELS = {"D": logging.DEBUG, "I": logging.INFO, "W": logging.WARNING, "E": logging.ERROR}


class ProcessDied(Exception):
    """The process ended before it answered."""


class EngineClient:
    """Belongs to one event loop. `on_step` gets the items of each step."""

    def __init__(self, on_step: Callable[[m.Step], None], numbers: Iterator[int]) -> None:
        self._on_step = on_step
        self._numbers = numbers
        self._loop = asyncio.get_running_loop()
        self._memory_kills = out_of_memory_kills()
        self._process = EngineProcess()
        self._log = _LogReader(self._loop, self._process.log)
        self._connection: Connection
        self._answers: dict[int, asyncio.Future[m.Answer]] = {}
        self._stall: Stall | Violation | None = None
        self._is_closing = False
        self.on_progress: Callable[[float], None] = lambda _part: None
        """Called with the part of the model that is loaded, 0..1."""
        self.last_heard = self._loop.time()
        self.died: asyncio.Future[Death] = self._loop.create_future()

    @classmethod
    async def start(
        cls,
        confinement: Confinement,
        on_step: Callable[[m.Step], None] = lambda _step: None,
        numbers: Iterator[int] | None = None,
    ) -> EngineClient:
        """Starts a process and takes away what it does not need.

        Raises InternalError if none can be started, ProcessDied if it ends at once.
        """
        client = cls(on_step, numbers or itertools.count(1))
        client._process.socket.setblocking(False)
        _, client._connection = await client._loop.create_unix_connection(
            lambda: Connection(client._on_message, client._on_nonsense, client._on_end),
            sock=client._process.socket,
        )
        try:
            async with asyncio.timeout(START_S):
                answer = await client.ask(m.Confine, **asdict(confinement))
        except TimeoutError:
            await client.discard()
            raise ProcessDied from None
        except BaseException:
            await client.discard()
            raise
        report(client.pid, answer.protections or ())
        return client

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def page(self) -> FlightPage:
        return self._process.page

    @property
    def is_alive(self) -> bool:
        return not self.died.done()

    @property
    def is_suspended(self) -> bool:
        return self._process.is_stopped()

    def serve(self, on_step: Callable[[m.Step], None], numbers: Iterator[int]) -> None:
        """Hands the steps to whoever uses the process from now on."""
        self._on_step, self._numbers = on_step, numbers

    def send(self, command: Any) -> None:
        self.send_encoded(m.encode_command(command))

    def send_encoded(self, command: bytes) -> None:
        """As `send`, for a command that `encode_command` encoded elsewhere. Never waits."""
        self._connection.send(command)

    async def ask(
        self, make: Any, *values: Any, call: int | None = None, **options: Any
    ) -> m.Answer:
        """Sends a call and waits for its answer. Raises its failure, or ProcessDied."""
        number = next(self._numbers) if call is None else call
        answered: asyncio.Future[m.Answer] = self._loop.create_future()
        is_long = make in (m.Render, m.TokenizeChat) and is_large(values[0], values[1])
        command = await maybe_off_loop(is_long, encoded, make(number, *values, **options))
        if not self.is_alive:
            raise ProcessDied
        self._answers[number] = answered
        self.send_encoded(command)
        try:
            answer = await asyncio.shield(answered)
        except asyncio.CancelledError:
            if make is m.Embed and self.is_alive:
                self.send(m.Leave(number))
                await asyncio.wait([answered])  # the work has ended when the task has
            raise
        finally:
            self._answers.pop(number, None)
        if answer.failure is not None:
            raise answer.failure.as_error()
        return answer

    async def close(self) -> None:
        """Lets the process close its engine and waits for its end; kills it if that takes long."""
        self._is_closing = True
        if self.is_alive:
            self.send(m.Close())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await asyncio.shield(self.died)
        self._process.kill()
        await self.died

    async def discard(self) -> None:
        """Kills the process, which has nothing that is worth keeping."""
        self._is_closing = True
        self._process.kill()
        await self.died

    def kill(self, stall: Stall | Violation | None = None) -> None:
        """Ends the process now, because of `stall` if given."""
        self._stall = stall
        self._process.kill()

    def _on_message(self, message: Any) -> None:
        self.last_heard = self._loop.time()
        if isinstance(self._stall, Violation):
            return  # a step was left out, so that no later one continues a text
        try:
            self._take(message)
        except (ValueError, OverflowError):  # without the text, which may be of a prompt
            self.kill(Violation("it sent what it must not send"))

    def _on_nonsense(self) -> None:
        self.kill(Violation("it sent a malformed message"))

    def _take(self, message: Any) -> None:
        if isinstance(message, m.Step):
            self._on_step(message)
        elif isinstance(message, m.Answer):
            answered = self._answers.get(message.call)
            if answered is not None and not answered.done():
                answered.set_result(message)
        else:
            self.on_progress(message.part)

    def _on_end(self) -> None:
        """The socket has ended: so has the process, or it must."""
        self._process.kill()
        descriptor = self._process.pidfd()
        if descriptor >= 0:
            self._loop.add_reader(descriptor, self._on_pidfd, descriptor)
        else:
            waiting = self._loop.run_in_executor(None, self._process.wait)
            waiting.add_done_callback(lambda done: self._on_exit(done.result()))

    def _on_pidfd(self, descriptor: int) -> None:
        self._loop.remove_reader(descriptor)
        os.close(descriptor)
        self._on_exit(self._process.wait())

    def _on_exit(self, status: int) -> None:
        lines = self._log.finish()
        is_out_of_memory = out_of_memory_kills() > self._memory_kills
        death = examine(self.page, self.pid, status, self._stall, is_out_of_memory=is_out_of_memory)
        self._process.close()
        for answered in self._answers.values():
            if not answered.done():
                answered.set_exception(ProcessDied())
        self.died.set_result(replace(death, last_lines=lines, is_wanted=self._is_closing))


class _LogReader:
    """Reads what the process writes: lines of its log, and whatever libraries say as they fail."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int) -> None:
        self._loop = loop
        self._fd = fd
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._open = ""
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._second = self._lines = 0
        os.set_blocking(fd, False)
        loop.add_reader(fd, self._read)

    def _read(self) -> bool:
        """False when there is nothing to read now, or any more."""
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            return False
        if not data:
            self._loop.remove_reader(self._fd)
            return False
        *lines, self._open = (self._open + self._decoder.decode(data)).split("\n")
        self._open = self._open[-65536:]
        for line in lines:
            self._take(line)
        return True

    def _take(self, line: str) -> None:
        if not self._has_room():
            return
        level = _LEVELS.get(line[:1]) if line[1:2] == " " else None
        text = line if level is None else line[2:]
        level = logging.WARNING if level is None else level
        if level >= logging.WARNING and text:
            self._last.append(text[:500])
        log_line(level, text)

    def _has_room(self) -> bool:
        """At most MAX_LINES a second: a process that is taken over must not flood the log."""
        second = int(self._loop.time())
        if second != self._second:
            if self._lines > MAX_LINES:
                log_line(logging.WARNING, f"{self._lines - MAX_LINES} lines of it were dropped")
            self._second, self._lines = second, 0
        self._lines += 1
        return self._lines <= MAX_LINES

    def finish(self) -> tuple[str, ...]:
        """Reads the rest. Returns the last warnings and errors."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            while self._read():
                pass
            if self._open:
                self._take(self._open)
            os.close(self._fd)
            self._fd = -1
        return tuple(self._last)


def encoded(command: Any) -> bytes:
    """The command as bytes. Raises InvalidArgument for what no message can hold."""
    try:
        return m.encode_command(command)
    except ValueError:  # PydanticSerializationError, for one
        what = "has the wrong type, or lone surrogates"
        raise InvalidArgument(what, where="request") from None


def closed_error() -> SentiricLlamaError:
    return Unavailable("the engine is closed", where="engine")
