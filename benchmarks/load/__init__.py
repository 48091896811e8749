# SPDX-License-Identifier: AGPL-3.0-only
"""A load generator in a process of its own, and what starts it.

`python -m benchmarks.load` reads a plan (JSON) on standard input and writes what it saw on standard
output. It opens plain sockets, keeps bytes and times, and reads the answers when the load is over.
"""
