# SPDX-License-Identifier: AGPL-3.0-only
"""The other side: talking to a running server, or to a model in this process, with one face.

`server` speaks HTTP, `client` is the face, `repl/` the conversation on a terminal, `load/` the
load generator. Nothing here needs the web server's libraries.
"""
