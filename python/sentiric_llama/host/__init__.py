# SPDX-License-Identifier: AGPL-3.0-only
"""The process and its machine: environment, terminal, files, threads, memory."""
