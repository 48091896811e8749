# SPDX-License-Identifier: AGPL-3.0-only
"""`python -m sentiric_llama`."""

from __future__ import annotations

import sys

from sentiric_llama.cli import main

if __name__ == "__main__":
    sys.exit(main())
