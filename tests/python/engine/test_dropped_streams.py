# SPDX-License-Identifier: AGPL-3.0-only
"""The garbage collector may drop a stream anywhere, also inside the engine's own bookkeeping."""

from __future__ import annotations

import threading
from pathlib import Path

from sentiric_llama import Engine


def test_a_stream_may_be_dropped_while_its_engine_holds_the_table(small_q8_0: Path) -> None:
    with Engine(str(small_q8_0), contexts=1, context_size=128, compute_threads=1) as engine:
        stream = engine.stream("a", max_tokens=100_000, ignore_eos=True)
        next(stream)

        def drop_inside() -> None:
            with engine.handle._lock:  # where a collection can begin, on the pump's thread too
                stream.__del__()

        dropping = threading.Thread(target=drop_inside, daemon=True)
        dropping.start()
        dropping.join(timeout=60)
        assert not dropping.is_alive()
        assert engine.generate("b", max_tokens=2, ignore_eos=True).usage.completion_tokens == 2
