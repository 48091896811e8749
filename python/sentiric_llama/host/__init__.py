# SPDX-License-Identifier: AGPL-3.0-only
"""The machine and the process: environment, terminal, files, threads, memory."""
