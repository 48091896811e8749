# SPDX-License-Identifier: AGPL-3.0-only
"""Who may include or import whom. ARCHITECTURE.md draws the same picture.

A room is a folder; an arrow is one room that imports another, counted once. Imports inside
functions and for types alone count.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CPP = ROOT / "cpp"
PACKAGE = ROOT / "python" / "sentiric_llama"

THIRD_PARTY = {
    "backend": r"(llama|ggml|gguf|common|chat|minja|json-schema-to-grammar)\b|jinja/",
    "process": r"nlohmann/",
    "bindings": r"pybind11/|Python\.h",
}
# What core/ must do without: it is tested without files, processes and threads of the system.
OPERATING_SYSTEM = r"(unistd|fcntl|pthread|sched|dirent|poll|signal)\.h$|sys/|filesystem$"

# From the ground up: an entry imports only what stands before it.
PYTHON_ORDER = (
    *("_core", "_host", "errors", "types", "locale", "host", "log", "access", "settings", "tls"),
    *("guide", "gguf", "models", "engine", "telemetry", "service", "metrics", "http", "rpc"),
    *("server", "client", "checkup", "commands", "cli", "__main__", "__init__"),
)
# The same for C++, where a room is a folder.
CPP_ORDER = (
    *("sentiric", "core/sync", "core/text", "core/grammar", "core/record", "core/seams"),
    *("core/request", "core/sampling", "core/cache", "core/speculation", "core/scheduling", "host"),
    *("backend/kernels", "backend/model", "backend/template", "backend/prompt", "backend/decode"),
    *("engine", "process", "bindings"),
)
# The folders of the room core/grammar; "" are its own files.
GRAMMAR_ORDER = (
    *("regular", "number", "automaton", "explain", "tokens", "gbnf", "plain", "schema", "reader"),
    *("plan", "json", "structure", ""),
)
PROTOCOLS = {"http", "rpc"}

MAX_ENTRIES = 30
MAX_ARROWS = 125
MAX_MODULES = 15
MAX_CPP_ARROWS = 78
MAX_CPP_FILES = 40
MAX_CPP_LINES = 320
MAX_LINES_OF = {"engine": 250, "core/cache": 250}  # what is read to understand a step
MAX_INIT_LINES = 60


def includes(path: Path) -> Iterator[str]:
    yield from re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)', path.read_text("utf-8"), re.MULTILINE)


def cpp_files() -> Iterator[tuple[Path, str]]:
    """Every file with its room."""
    for path in sorted(CPP.rglob("*")):
        if path.suffix in (".h", ".cpp"):
            yield path, cpp_room(path.parent.relative_to(CPP))


def cpp_room(folder: Path) -> str:
    """The public headers are included as sentiric/, from wherever they stand."""
    room = folder.as_posix().removeprefix("include/")
    return next((known for known in CPP_ORDER if room.startswith(known + "/")), room)


def grammar_folder(path: str) -> str | None:
    """Of a file in the room core/grammar, as it is included."""
    found = re.match(r"core/grammar/(?:([a-z]+)/)?", path)
    return found and (found[1] or "")


def cpp_arrows() -> set[tuple[str, str]]:
    return arrows(
        (room, cpp_room(Path(name).parent))
        for path, room in cpp_files()
        for name in includes(path)
        if cpp_room(Path(name).parent) in CPP_ORDER
    )


def python_files() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if "generated" not in path.parts]


def name_of(path: Path) -> str:
    """The dotted name of a module, without the package's own."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {name_of(path): path for path in python_files()}


def imports(path: Path) -> Iterator[str]:
    """Modules of our package that this file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            assert node.level == 0, f"{path.name} imports by a relative name"
        for name in names:
            if name == "sentiric_llama":
                yield "__init__"
            elif name.startswith("sentiric_llama."):
                yield module_of(name.removeprefix("sentiric_llama."))


def module_of(name: str) -> str:
    """The module that a dotted name is, or is found in; a native or generated one as it is."""
    while name not in MODULES and "." in name and "generated" not in name:
        name = name.rpartition(".")[0]
    return name


def entry(module: str) -> str:
    """The entry of the package's folder that holds the module."""
    return module.split(".")[0]


def arrows(pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    return {(above, below) for above, below in pairs if above != below}


def python_arrows() -> set[tuple[str, str]]:
    return arrows(
        (entry(name), entry(below)) for name, path in MODULES.items() for below in imports(path)
    )


def circle_in(pairs: set[tuple[str, str]]) -> list[str]:
    """One circle, [] without any."""
    graph: dict[str, set[str]] = {}
    for above, below in pairs:
        graph.setdefault(above, set()).add(below)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def upward(pairs: set[tuple[str, str]], order: tuple[str, ...]) -> list[tuple[str, str]]:
    return sorted(pair for pair in pairs if order.index(pair[1]) > order.index(pair[0]))


def test_the_counting_sees_what_it_should() -> None:
    assert circle_in({("a", "b"), ("b", "c"), ("c", "a")})
    assert upward({("a", "b"), ("b", "a")}, ("a", "b")) == [("a", "b")]
    assert ("core/sampling", "core/grammar") in cpp_arrows()
    assert re.match(OPERATING_SYSTEM, "sys/stat.h")
    assert re.match(OPERATING_SYSTEM, "filesystem")
    assert module_of("errors.InvalidArgument") == "errors"
    assert module_of("_core") == "_core"
    serve = set(imports(PACKAGE / "commands" / "start" / "serve.py"))
    assert "server.serve" in serve, "imports inside functions count"
    guarded = set(imports(PACKAGE / "engine" / "convert.py"))
    assert "_core" in guarded, "imports for types alone count"


def test_the_package_is_a_short_list_of_rooms() -> None:
    entries = {path.name for path in PACKAGE.iterdir()} - {"__pycache__"}
    entries -= {name for name in entries if re.search(r"\.so$|^lib", name)}
    assert len(entries) <= MAX_ENTRIES


@pytest.mark.parametrize("folder", sorted({path.parent for path in MODULES.values()}), ids=str)
def test_no_room_is_crowded(folder: Path) -> None:
    if folder != PACKAGE:
        assert len([path for path in MODULES.values() if path.parent == folder]) <= MAX_MODULES


def test_packages_are_fronts_and_not_rooms() -> None:
    lines = {p: len(p.read_text().splitlines()) for p in PACKAGE.rglob("__init__.py")}
    assert not {p: n for p, n in lines.items() if n > MAX_INIT_LINES and "generated" not in p.parts}


def test_every_entry_has_its_place_in_the_order() -> None:
    unplaced = {entry(name) for name in MODULES} - set(PYTHON_ORDER)
    assert not unplaced, "decide who may import them and write them into PYTHON_ORDER"


def test_rooms_import_only_rooms_below() -> None:
    found = python_arrows()
    assert upward(found, PYTHON_ORDER) == []
    assert len(found) <= MAX_ARROWS


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    found = arrows((name, below) for name, path in MODULES.items() for below in imports(path))
    assert circle_in(found) == []


def test_every_cpp_room_has_its_place_in_the_order() -> None:
    unplaced = {room for _, room in cpp_files()} ^ set(CPP_ORDER)
    assert not unplaced, "decide who may include them and write them into CPP_ORDER"


def test_cpp_rooms_include_only_rooms_below() -> None:
    found = cpp_arrows()
    assert upward(found, CPP_ORDER) == []
    assert circle_in(found) == []
    assert len(found) <= MAX_CPP_ARROWS


def test_folders_of_the_grammar_include_only_those_below() -> None:
    found = arrows(
        (above, below)
        for path, room in cpp_files()
        if room == "core/grammar"
        and (above := grammar_folder(path.relative_to(CPP).as_posix())) is not None
        for name in includes(path)
        if (below := grammar_folder(name)) is not None
    )
    assert {folder for arrow in found for folder in arrow} == set(GRAMMAR_ORDER)
    assert upward(found, GRAMMAR_ORDER) == []


def test_every_include_of_ours_names_a_file() -> None:
    unknown = [
        f"{path.relative_to(ROOT)} includes {name}"
        for path, _ in cpp_files()
        for name in includes(path)
        if name.split("/")[0] in {room.split("/")[0] for room in CPP_ORDER}
        and not any((start / name).exists() for start in (CPP, CPP / "include"))
    ]
    assert not unknown


@pytest.mark.parametrize("folder", sorted({path.parent for path, _ in cpp_files()}), ids=str)
def test_no_cpp_folder_is_crowded(folder: Path) -> None:
    assert len([path for path, _ in cpp_files() if path.parent == folder]) <= MAX_CPP_FILES


def test_cpp_files_are_read_in_one_go() -> None:
    assert not {
        str(path.relative_to(ROOT)): lines
        for path, room in cpp_files()
        if (lines := path.read_text("utf-8").count("\n")) > MAX_LINES_OF.get(room, MAX_CPP_LINES)
    }


def test_core_does_not_know_the_operating_system() -> None:
    assert not [
        f"{path.relative_to(ROOT)} includes {name}"
        for path, room in cpp_files()
        for name in includes(path)
        if room.startswith("core/") and re.match(OPERATING_SYSTEM, name)
    ]


def test_each_third_party_is_known_in_one_room() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} includes {name}"
        for path, room in cpp_files()
        for name in includes(path)
        for home, pattern in THIRD_PARTY.items()
        if room.split("/")[0] != home and re.match(pattern, name)
    ]
    assert not wrong


def test_engine_threads_never_touch_python() -> None:
    word = "gil_scoped" + "_acquire"
    assert not [path.name for path, _ in cpp_files() if word in path.read_text("utf-8")]


def test_protocols_do_not_know_each_other() -> None:
    assert not {(above, below) for above, below in python_arrows() if {above, below} <= PROTOCOLS}


def test_the_native_engine_is_imported_in_one_room() -> None:
    assert {above for above, below in python_arrows() if below == "_core"} == {"engine"}


def test_the_environment_is_read_in_one_file() -> None:
    pattern = re.compile(r"\bos\.(environ|getenv|putenv)\b|\bfrom os import .*environ")
    readers = [path for path in python_files() if pattern.search(path.read_text("utf-8"))]
    assert [path.name for path in readers] == ["environment.py"]
