# SPDX-License-Identifier: AGPL-3.0-only
"""Who may include or import whom. ARCHITECTURE.md draws the same picture."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CPP = ROOT / "cpp"
PACKAGE = ROOT / "python" / "sentiric_llama"

ROOMS = ("sentiric", "core", "backend", "engine", "bindings")  # cpp/include/sentiric is the first
THIRD_PARTY = {
    "backend": r"(llama|ggml|gguf|common|chat|minja|nlohmann|json-schema-to-grammar)\b|jinja/",
    "bindings": r"pybind11/|Python\.h",
}

# A module imports from its own row or from rows above it.
ROWS = (
    {"environment", "errors", "types", "params", "messages", "messages_tr", "guide", "_core"}
    | {"messages_tr_client", "messages_tr_settings", "printable", "private_files", "_scan"},
    {
        "settings",
        "config",
        "log",
        "log_lines",
        "log_writer",
        "foreign_logs",
        "process",
        "terminal",
        "machine",
    }
    | {"terminal_drawing", "api_key", "caller", "access", "exposure", "tls", "profiles"}
    | {"off_loop", "body_budget"},
    {"_convert", "_handle", "options", "engine_protocol", "engine", "async_engine", "models"}
    | {"testing", "memory"},
    {
        "tallies",
        "accounts",
        "chat_call",
        "chat_stream",
        "running",
        "queue_share",
        "pulse",
        "service",
    }
    | {"model_slot", "model_switch", "loading", "switching"}
    | {"snapshot", "metrics", "tracing", "systemd", "companions", "lifecycle"},
    {"http", "rpc"},
    {"banner", "http_server", "serve", "checkup"} | {"client"},
    {"commands", "cli", "__main__"},
)
ROW_OF = {module: row for row, modules in enumerate(ROWS) for module in modules}
PROTOCOLS = {"http", "rpc"}


def includes(path: Path) -> Iterator[str]:
    yield from re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)', path.read_text("utf-8"), re.MULTILINE)


def cpp_files() -> Iterator[tuple[Path, str]]:
    """Every file with its room."""
    for path in sorted(CPP.rglob("*")):
        if path.suffix in (".h", ".cpp"):
            room = path.relative_to(CPP).parts[0]
            yield path, "sentiric" if room == "include" else room


def imports(path: Path) -> Iterator[str]:
    """Modules of our package that this file imports, by the word after `sentiric_llama.`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            assert node.level == 0, f"{path.name} imports by a relative name"
        for name in names:
            if name.startswith("sentiric_llama."):
                yield name.split(".")[1]


def python_files() -> Iterator[tuple[Path, str]]:
    """Every file with its module; the package's own facade may name everything."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path != PACKAGE / "__init__.py":
            yield path, path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_rooms_include_only_rooms_below() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} includes {name}"
        for path, room in cpp_files()
        for name in includes(path)
        if name.split("/")[0] in ROOMS and ROOMS.index(name.split("/")[0]) > ROOMS.index(room)
    ]
    assert not wrong


def test_each_third_party_is_known_in_one_room() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} includes {name}"
        for path, room in cpp_files()
        for name in includes(path)
        for home, pattern in THIRD_PARTY.items()
        if room != home and re.match(pattern, name)
    ]
    assert not wrong


def test_engine_threads_never_touch_python() -> None:
    word = "gil_scoped" + "_acquire"
    assert not [path.name for path, _ in cpp_files() if word in path.read_text("utf-8")]


def test_every_module_has_a_row() -> None:
    unplaced = {module for _, module in python_files()} - ROW_OF.keys()
    assert not unplaced, "decide who may import them and write them into ROWS"


def test_modules_import_only_from_their_row_and_above() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, module in python_files()
        for name in imports(path)
        if ROW_OF.get(name, 0) > ROW_OF.get(module, 0)
    ]
    assert not wrong


def test_protocols_do_not_know_each_other() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, module in python_files()
        for name in imports(path)
        if module in PROTOCOLS and name in PROTOCOLS - {module}
    ]
    assert not wrong


def test_the_environment_is_read_in_one_file() -> None:
    pattern = re.compile(r"\bos\.(environ|getenv|putenv)\b|\bfrom os import .*environ")
    readers = [path for path, _ in python_files() if pattern.search(path.read_text("utf-8"))]
    assert [path.name for path in readers] == ["environment.py"]
