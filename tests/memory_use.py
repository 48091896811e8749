# SPDX-License-Identifier: AGPL-3.0-only
"""Run as a program: what an engine was planned to need and what the process then holds.

The argument is an EngineConfig in JSON; the answer [planned bytes, resident bytes]. One context is
filled to its end: only then every buffer was touched.
"""

from __future__ import annotations

import json
import sys

from sentiric_llama import Engine, SamplingParams
from sentiric_llama.engine.memory.plan import plan_memory
from sentiric_llama.host.process import resident_bytes
from sentiric_llama.types import EngineConfig

if __name__ == "__main__":
    config = EngineConfig(**json.loads(sys.argv[1]))
    planned = plan_memory(config).devices[-1].needed
    with Engine(config) as engine:
        prompt = [20 + position * 37 % 900 for position in range(config.context_size - 8)]
        engine.generate([prompt], SamplingParams(temperature=0), max_tokens=4, ignore_eos=True)
        print(json.dumps([planned, resident_bytes()]))
