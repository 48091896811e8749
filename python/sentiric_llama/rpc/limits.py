# SPDX-License-Identifier: AGPL-3.0-only
"""What one gRPC peer may take: messages, metadata, streams, pings, time."""

from __future__ import annotations

from sentiric_llama.service.chat_call import MAX_CONTENT_BYTES, MAX_GRAMMAR_BYTES
from sentiric_llama.settings.config import Settings

MAX_MESSAGE_BYTES = MAX_CONTENT_BYTES + MAX_GRAMMAR_BYTES + 64 * 1024
"""Nothing longer could be answered; to take it apart would hold up all streams meanwhile."""
MAX_FIELDS = 2**18
"""Of a message, repeated ones each time; each becomes an object when it is taken apart."""
MAX_METADATA_BYTES = 16 * 1024
KEEPALIVE_MS = 60_000
KEEPALIVE_TIMEOUT_MS = 20_000
MIN_PING_INTERVAL_MS = 10_000
MAX_PING_STRIKES = 2
MAX_CONNECTION_AGE_MS = 30 * 60_000
CONNECTION_AGE_GRACE_MS = 10 * 60_000
HANDSHAKE_TIMEOUT_MS = 10_000
MAX_WATCHES = 128
"""Health watches that are open at once. They need no key, so they have places of their own."""
MAX_UNSEEN_CALLS = 512
"""Calls that wait to be looked at; gRPC refuses more."""
UNSEEN_S = 3
"""The longest such wait, in whole seconds."""
REFLECTION_S = 60.0
"""For a call of the reflection service, which would wait for questions for ever."""
LAST_WORD_S = 5.0
"""For the end of a call; a peer that takes no answer takes none of the status behind it."""


def channel_options(settings: Settings) -> list[tuple[str, int]]:
    """gRPC's own names for these limits. Message sizes count after inflating."""
    grace = max(CONNECTION_AGE_GRACE_MS, settings.request_timeout_ms)
    return [
        ("grpc.so_reuseport", 0),  # a port that is taken is an error, not a second owner
        ("grpc.max_receive_message_length", min(settings.max_body_bytes, MAX_MESSAGE_BYTES)),
        ("grpc.http2.bdp_probe", 0),  # else an unread call may hold megabytes, not 64 KiB
        ("grpc.max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", MAX_METADATA_BYTES),
        ("grpc.max_concurrent_streams", settings.grpc_max_streams),
        ("grpc.max_allowed_incoming_connections", settings.max_connections),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", MIN_PING_INTERVAL_MS),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", MIN_PING_INTERVAL_MS),
        ("grpc.http2.max_ping_strikes", MAX_PING_STRIKES),
        ("grpc.max_connection_age_ms", MAX_CONNECTION_AGE_MS),
        ("grpc.max_connection_age_grace_ms", grace),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_TIMEOUT_MS),
        ("grpc.http2.hpack_table_size.decoder", 0),  # a reference of a byte may stand for 4 KiB
        ("grpc.http2.settings_timeout", HANDSHAKE_TIMEOUT_MS),
        ("grpc.server.max_pending_requests", MAX_UNSEEN_CALLS),
        ("grpc.server.max_pending_requests_hard_limit", 2 * MAX_UNSEEN_CALLS),
        ("grpc.server_max_unrequested_time_in_server", UNSEEN_S),
    ]
