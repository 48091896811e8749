# SPDX-License-Identifier: AGPL-3.0-only
"""The echoing server as a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from http_client import Reply
from messages_client import USER, ask_server


@pytest.fixture
def ask(server: Any) -> Callable[..., Reply]:
    """`ask(messages, **fields)` -> the reply of the server."""
    return lambda messages=USER, **fields: ask_server(server, messages, **fields)
