# SPDX-License-Identifier: AGPL-3.0-only
"""Starts an engine process: with exec, one socket, one shared page, and nothing else of ours."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path

from sentiric_llama.engine.process.flight_page import FlightPage
from sentiric_llama.errors import InternalError
from sentiric_llama.host.environment import engine_environment

BINARY = Path(__file__).parents[2] / "sentiric-engine"


class EngineProcess:
    """A child process. Must be started on a thread that lives as long as it should.

    The kernel kills it with the thread that started it; the end of the socket ends it, too.
    """

    def __init__(self) -> None:
        """Raises InternalError if the system has no descriptors or no process left."""
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            try:
                self.page = FlightPage()
                ours.callback(self.page.close)
                self.socket, their_socket = socket.socketpair()
                ours.callback(self.socket.close)
                theirs.callback(their_socket.close)
                self.log, their_log = os.pipe()
                ours.callback(os.close, self.log)
                theirs.callback(os.close, their_log)
                self._child = self._start(their_socket.fileno(), their_log)
            except OSError as error:
                what = f"cannot start {BINARY.name}: {error.strerror}"
                raise InternalError(what, where="engine") from error
            ours.pop_all()

    def _start(self, theirs: int, log: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(BINARY), str(theirs), str(self.page.fd), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(theirs, self.page.fd),
            env=engine_environment(),
        )

    @property
    def pid(self) -> int:
        return self._child.pid

    def is_stopped(self) -> bool:
        """True if somebody suspended it with SIGSTOP."""
        with contextlib.suppress(OSError, IndexError):
            stat = Path(f"/proc/{self.pid}/stat").read_text("ascii", "replace")
            return stat.rpartition(")")[2].split()[0] in ("T", "t")
        return False

    def pidfd(self) -> int:
        """A descriptor that becomes readable when the process has ended; -1 without such."""
        try:
            return os.pidfd_open(self.pid)
        except (OSError, AttributeError):  # an old kernel, or not Linux
            return -1

    def wait(self) -> int:
        """Blocks until it has ended, and reaps it. The exit status, negative for a signal."""
        return self._child.wait()

    def kill(self) -> None:
        """Ends it at once, even while it is suspended."""
        with contextlib.suppress(ProcessLookupError):
            self._child.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Closes our ends, except the log, which its reader closes."""
        self.socket.close()
        self.page.close()
