# SPDX-License-Identifier: AGPL-3.0-only
"""Measures this engine against llama.cpp's own tools: `python -m benchmarks --help`."""
