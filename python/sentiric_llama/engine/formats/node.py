# SPDX-License-Identifier: AGPL-3.0-only
"""The nodes of a structure: what an answer may be, as the engine enforces it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

Node: TypeAlias = dict[str, Any]


def text(value: str) -> Node:
    """Exactly this text."""
    return {"text": value}


def sequence(*nodes: Node) -> Node:
    """One after the other."""
    return {"sequence": [node for node in nodes if node != {"text": ""}]}


def choice(nodes: Sequence[Node]) -> Node:
    """One of them."""
    return nodes[0] if len(nodes) == 1 else {"choice": list(nodes)}


def optional(node: Node) -> Node:
    """The node or nothing."""
    return {"repeat": node, "min": 0, "max": 1}


def repeat(node: Node, between: str = "", *, parallel: bool = True) -> Node:
    """The node once, or with `parallel` any number of times, with this text between them."""
    if not parallel:
        return node
    return {"repeat": node, "min": 1} | ({"between": between} if between else {})


def free(marks: Sequence[str]) -> Node:
    """Any text without these marks."""
    return {"free": list(marks)}


def schema(value: Any) -> Node:
    """JSON that the schema allows; the schema itself or its text."""
    return {"schema": value}


def dump(node: Node) -> str:
    """The structure as text."""
    return json.dumps(node, ensure_ascii=False, separators=(",", ":"))
