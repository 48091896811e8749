# SPDX-License-Identifier: AGPL-3.0-only
"""Finds out which requests and calls crash an engine process. docs/reliability.md has the rules."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Collection

from sentiric_llama.engine.process.death import Death
from sentiric_llama.engine.process.live_request import MAX_PRESENT, LiveCall, LiveRequest
from sentiric_llama.engine.process.quarantine import NO_BLAME, Quarantine
from sentiric_llama.log.events import event

KEPT_LEFT = 256
KEPT_BYTES = 64 << 20

logger = logging.getLogger(__name__)

Asked = LiveRequest | LiveCall


class Suspects:
    """Belongs to one event loop.

    A caller who leaves as soon as the process crashes, or before that is noticed, is remembered
    too; otherwise the same content could crash it again and again.
    """

    def __init__(self) -> None:
        self.quarantine = Quarantine()
        self.num_refused = 0
        self._left: OrderedDict[int, Asked] = OrderedDict()
        self._left_bytes = 0
        self._open: list[Asked] = []
        """Suspects of the last crash that several had to be blamed for, without those cleared."""

    def note_left(self, number: int, asked: Asked) -> None:
        """The process may still work on it, or have died of it."""
        if asked.blame:
            self.quarantine.remember(asked, asked.blame)
        self._left[number] = asked
        self._left_bytes += asked.num_bytes
        while len(self._left) > KEPT_LEFT or self._left_bytes > KEPT_BYTES:
            _, forgotten = self._left.popitem(last=False)
            self._left_bytes -= forgotten.num_bytes

    def judge(self, death: Death, asked: dict[int, Asked]) -> list[Asked]:
        """Blames the suspects of a death, of those at work then. Returns whom to refuse."""
        known = self._left | asked
        culprits = [
            known[number]
            for number in sorted(death.suspects & known.keys())
            if self._is_culprit(known[number], len(death.suspects))
        ]
        several = len(death.suspects) > 1 and death.suspects <= known.keys() and not culprits
        self._open = [known[number] for number in death.suspects] if several else []
        for number in death.suspects & self._left.keys():
            suspect = self._left[number]
            if not suspect.blame.is_enough:
                self.quarantine.remember(suspect, suspect.blame)
        if not death.suspects:  # only a death that nobody here has caused says something about all
            culprits = [each for each in asked.values() if self._was_there(each, death, asked)]
        self._left.clear()
        self._left_bytes = 0
        for culprit in culprits:
            self._refuse(culprit)
        return culprits

    def _is_culprit(self, suspect: Asked, num_suspects: int) -> bool:
        suspect.blame = suspect.blame.after(num_suspects)
        return suspect.blame.is_enough

    def _was_there(self, each: Asked, death: Death, asked: dict[int, Asked]) -> bool:
        """Whether it was worked on at too many kills from outside, without progress."""
        each.present += asked.get(each.number) is each and each.number in death.present
        return each.present >= MAX_PRESENT

    def _refuse(self, culprit: Asked) -> None:
        if culprit.blame.is_proof or culprit.present >= MAX_PRESENT:
            self.quarantine.add(culprit)
        self.num_refused += 1
        event(logger, "REQUEST_REFUSED", "it crashed the engine process twice", logging.WARNING)

    def absolve(self, asked: Collection[Asked]) -> None:
        """Somebody else has caused the crashes that these were only there at."""
        for each in asked:
            if each.blame and not each.blame.is_proof:
                each.blame = NO_BLAME
                self.quarantine.clear(each)

    def clear(self, asked: Asked) -> None:
        """It has been worked on without a crash."""
        asked.blame = NO_BLAME
        self.quarantine.clear(asked)
        if asked in self._open:
            self._open.remove(asked)

    def settle(self, live: Collection[Asked]) -> None:
        """After all were tried: one that has left is to blame if all others are cleared."""
        if len(self._open) == 1 and self._open[0] not in live:
            self._open[0].blame = self._open[0].blame.settled()
            self.quarantine.remember(self._open[0], self._open[0].blame)
        self._open = []
