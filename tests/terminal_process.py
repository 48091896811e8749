# SPDX-License-Identifier: AGPL-3.0-only
"""A command in a pseudo-terminal: what it shows is read, what a person would type is written."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence

WAIT_S = 60
CTRL_C = "\x03"
CTRL_D = "\x04"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]")


class TerminalProcess:
    """Starts at once, 100 columns wide, as the leader of its own terminal."""

    def __init__(
        self,
        words: Sequence[str],
        variables: Mapping[str, str],
        term: str = "xterm-256color",
        program: Sequence[str] = ("-m", "sentiric_llama"),
    ) -> None:
        self._leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self._child = subprocess.Popen(
            [sys.executable, *program, *words],
            env={**variables, "TERM": term},
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(follower)
        self.raw = ""
        self._seen = 0

    @property
    def shown(self) -> str:
        """Everything so far without escape sequences."""
        return _ESCAPES.sub("", self.raw)

    def expect(self, text: str, seconds: float = WAIT_S) -> None:
        """Waits until this stands behind what was expected before."""
        deadline = time.monotonic() + seconds
        while (at := self.shown.find(text, self._seen)) < 0:
            left = deadline - time.monotonic()
            assert left > 0 and self._read(left), f"no {text!r} in {self.shown[self._seen :]!r}"
        self._seen = at + len(text)

    def send(self, text: str) -> None:
        os.write(self._leader, text.encode())

    def press(self, key: str) -> None:
        """A key as a person presses it: the program waits for input.

        readline sees a signal that comes in the instant before it waits with the next key only.
        """
        time.sleep(0.3)
        self.send(key)

    def press_at_prompt(self, key: str) -> None:
        self.expect(">>> ")
        self.press(key)

    def finish(self, seconds: float = WAIT_S) -> int:
        """Reads the rest and returns the exit code."""
        while self._read(seconds):
            pass
        return self._child.wait(seconds)

    def close(self) -> None:
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait(WAIT_S)
        os.close(self._leader)

    def _read(self, seconds: float) -> bool:
        """Takes what is there within this time; False at the end."""
        ready, _, _ = select.select([self._leader], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self._leader, 65536)
        except OSError:  # the other end was closed
            return False
        self.raw += data.decode("utf-8", "replace")
        return bool(data)
