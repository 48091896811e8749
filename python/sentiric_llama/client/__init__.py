# SPDX-License-Identifier: AGPL-3.0-only
"""The client side: commands talk to a running server, or to a model in this process.

`server` and `grpc_server` speak the protocols, `configured` finds the server that is meant,
`chat_client` and `grpc_chat_client` answer conversations, `repl/` is the terminal chat, `load/` the
load generator, `scenarios/` suites of conversations. Nothing here imports the server's own code
(`http/`, `server/`).
"""
