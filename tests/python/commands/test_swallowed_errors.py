# SPDX-License-Identifier: AGPL-3.0-only
"""Our own errors are ValueErrors, too: a handler of ValueError must not take them for another's."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sentiric_llama

PACKAGE = Path(sentiric_llama.__file__).parent
PACKAGES = ("commands", "client", "settings", "checkup", "tls", "models", "gguf", "host", "locale")
BROAD = {"ValueError", "Exception", "LookupError", "ArithmeticError", "MemoryError"}
HARMLESS = {"_role", "_identity", "invalid", "place_of", "_port", "plain_number", "clean_key"}
"""Functions of ours that raise none of our errors, or none that is a ValueError."""


def names(node: ast.AST | None) -> set[str]:
    return {item.id for item in ast.walk(node) if isinstance(item, ast.Name)} if node else set()


def own_functions(tree: ast.Module) -> set[str]:
    """Functions defined here or imported from the package: they may raise our errors."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("sentiric_llama"):
            found |= {alias.asname or alias.name for alias in node.names}
    return {name for name in found if name[:1].islower() or name.startswith("_")}


def swallowing(source: str) -> Iterator[str]:
    """Calls of ours inside a `try` that catches ValueError and not our error before it."""
    tree = ast.parse(source)
    ours = own_functions(tree) - HARMLESS
    for block in ast.walk(tree):
        if not isinstance(block, ast.Try):
            continue
        caught: set[str] = set()
        for handler in block.handlers:
            if names(handler.type) & BROAD and "SentiricLlamaError" not in caught:
                calls = (
                    n for part in block.body for n in ast.walk(part) if isinstance(n, ast.Call)
                )
                yield from (f"{n.lineno}: {n.func.id}" for n in calls
                            if isinstance(n.func, ast.Name) and n.func.id in ours)  # fmt: skip
            caught |= names(handler.type)


def test_it_sees_what_it_should() -> None:
    bad = "def read(): pass\ntry:\n  json.loads(read())\nexcept ValueError:\n  pass"
    assert list(swallowing(bad)) == ["3: read"]
    good = bad.replace("except Value", "except SentiricLlamaError: raise\nexcept Value")
    assert not list(swallowing(good))


@pytest.mark.parametrize("package", PACKAGES)
def test_no_handler_swallows_our_errors(package: str) -> None:
    for path in (PACKAGE / package).rglob("*.py"):
        assert not list(swallowing(path.read_text("utf-8"))), path
