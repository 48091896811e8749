# SPDX-License-Identifier: AGPL-3.0-only
"""The commands of the command line: one module each, imported when the command is named.

A module has `add_arguments(parser)` and `run(arguments, terminal)`, which returns the exit code.
It imports what is heavy inside `run`: `COMMAND --help` must not wait for a web server.
"""
