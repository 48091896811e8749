# SPDX-License-Identifier: AGPL-3.0-only
"""When HTTP and gRPC give up a client that does not read its answer."""

STALL_S = 30.0
"""A client that takes not a single byte for this long counts as gone.

It is far longer than a lost packet or a busy client needs, and short enough that such clients
cannot pile up connections and unsent bytes. READER_WAIT_MS is another limit: it bounds how long the
engine keeps a context for a stream whose credit is used up.
"""
