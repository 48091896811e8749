# SPDX-License-Identifier: AGPL-3.0-only
"""`sentiric-llama` for tests of deaths: they may come as often as a test wants.

Its engine processes are `faulty-engine`, which fails where a request or a model's path tells it to.
"""

from __future__ import annotations

import sys

from process_tools import FAULTY
from sentiric_llama.cli import main
from sentiric_llama.engine.process import death, launch

if __name__ == "__main__":
    launch.BINARY = FAULTY
    death.WINDOW_S = 0.0  # no crash loop, and no pause after one death
    sys.exit(main())
