# SPDX-License-Identifier: AGPL-3.0-only
"""The habits of this repository that can be read off its text: sizes, names, tables, links."""

from __future__ import annotations

import ast
import dataclasses
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import pytest

import cpp_source
from sentiric_llama import types
from sentiric_llama.errors import ERROR_CLASSES, ERROR_TABLE, ErrorCode

ROOT = Path(__file__).parents[2]
HEADERS = ROOT / "cpp" / "include" / "sentiric"
ROOMS = ("cpp", "python", "tests", "vendor", "benchmarks", "examples")


def tracked(*suffixes: str) -> list[Path]:
    """Files of the repository, new ones included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [ROOT / name for name in listed.stdout.splitlines()]
    return [path for path in paths if path.is_file() and path.name.endswith(suffixes or ("",))]


def sources(*suffixes: str) -> list[Path]:
    """What we write by hand and compile or run."""
    rooms = [ROOT / room for room in ROOMS]
    return [
        path
        for path in tracked(*suffixes)
        if any(room in path.parents for room in rooms) and path.suffix != ".pyi"
    ]


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(path: Path) -> str | None:
    """The file as text, or None when it is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


# Sizes


def check_sizes(sizes: dict[str, int], most: int, p90: int, middle: int) -> None:
    too_long = {name: size for name, size in sizes.items() if size > most}
    assert not too_long, f"longer than {most} lines: which two concepts share it?"
    assert quantiles(sizes.values(), n=10)[-1] <= p90
    assert median(sizes.values()) <= middle


def test_files_hold_one_concept_each() -> None:
    files = sources(".h", ".cpp", ".py", ".js", ".css", ".html")
    sizes = {shown(path): path.read_text("utf-8").count("\n") for path in files}
    check_sizes(sizes, most=500, p90=350, middle=150)


def test_cpp_functions_are_short() -> None:
    sizes = {
        f"{shown(path)}:{function.line}": function.lines
        for path in sources(".h", ".cpp")
        for function in cpp_source.functions(path)
    }
    check_sizes(sizes, most=80, p90=40, middle=10)


def test_python_functions_are_short() -> None:
    sizes = {
        f"{shown(path)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in sources(".py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    check_sizes(sizes, most=80, p90=40, middle=10)


def test_the_step_of_the_worker_reads_at_a_glance() -> None:
    functions = cpp_source.functions(ROOT / "cpp/engine/engine_loop.cpp")
    (step,) = [function for function in functions if "EngineLoop::Step(" in function.head]
    assert step.lines <= 25


# Names that stand in two languages


def test_every_error_code_is_in_every_table() -> None:
    header = (HEADERS / "error.h").read_text("utf-8")
    body = re.search(r"enum class ErrorCode \{(.*?)\n\};", header, re.DOTALL)
    assert body
    codes = [snake_case(name) for name in re.findall(r"^ *k(\w+),", body[1], re.MULTILINE)]
    assert codes
    assert codes == [code.value for code in ErrorCode]
    assert codes == [code.value for code in ERROR_TABLE]
    assert codes == [code.value for code in ERROR_CLASSES]


def test_error_codes_of_the_compiled_module() -> None:
    core = pytest.importorskip("sentiric_llama._core")
    assert core.error_code_names() == [code.value for code in ErrorCode]


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize(
    ("header", "struct"),
    [
        ("engine.h", "EngineConfig"),
        ("engine.h", "EngineStats"),
        ("engine.h", "Capacity"),
        ("engine.h", "ModelInfo"),
        ("types.h", "SamplingParams"),
        ("types.h", "TruncationReport"),
        ("types.h", "Timings"),
        ("types.h", "ChosenLogprob"),
        ("types.h", "TokenLogprob"),
        ("types.h", "Message"),
    ],
)
def test_structs_and_dataclasses_have_the_same_fields(header: str, struct: str) -> None:
    check_fields(cpp_source.fields(HEADERS / header, struct), getattr(types, struct))


def test_requests_have_the_same_fields() -> None:
    """Python's Request holds the prompt's fields itself; its streams have numbers of their own."""
    prompt, *rest, tag = cpp_source.fields(HEADERS / "types.h", "Request")
    assert (prompt.name, tag.name) == ("prompt", "tag")
    check_fields([*cpp_source.fields(HEADERS / "types.h", "Prompt"), *rest], types.Request)


def check_fields(members: list[cpp_source.Field], kind: Any) -> None:
    mirrored = {field.name: field.default for field in dataclasses.fields(kind)}
    assert [member.name for member in members] == list(mirrored)
    for member in members:
        python = mirrored[member.name]
        if isinstance(python, bool | int | float) and member.default:
            assert literal(member.default) == python, member.name
        if isinstance(python, str) and member.default.startswith('"'):
            assert member.default.strip('"') == python, member.name


def literal(cpp: str) -> Any:
    """A C++ number or truth value as Python's."""
    return ast.literal_eval(re.sub(r"(?<=\d)f$", "", cpp).capitalize())


# What a file says


def test_every_source_names_its_licence() -> None:
    files = [*sources(".h", ".cpp", ".py", ".js"), ROOT / "Makefile", ROOT / "CMakeLists.txt"]
    assert not [
        shown(path)
        for path in files
        if "SPDX-License-Identifier: AGPL-3.0-only" not in "".join(first_lines(path))
    ]


def first_lines(path: Path) -> Iterable[str]:
    with path.open(encoding="utf-8") as file:
        return [next(file, ""), next(file, "")]


def test_no_file_names_a_registry_or_a_place_on_someones_machine() -> None:
    hosts = r"(?:files\.pythonhosted|pypi\.(?:org|python)|registry\.npmjs|deb\.debian)\b"
    places = r"/(?:root|work|opt/pypi|opt/wheels)/|\.\./shared\b"
    pattern = re.compile(f"{hosts}|{places}")
    found = [
        f"{shown(path)}:{number}: {line.strip()[:80]}"
        for path in tracked()
        if path.stat().st_size < 1_000_000
        for number, line in enumerate((text_of(path) or "").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found


def test_links_between_documents_resolve() -> None:
    broken = [
        f"{shown(path)}: {link}"
        for path in tracked(".md")
        for link in re.findall(r"\]\(([^)\s#]+)[^)]*\)", path.read_text("utf-8"))
        if not re.match(r"[a-z]+:", link) and not (path.parent / link).exists()
    ]
    assert not broken


def anchors(path: Path) -> set[str]:
    """What links to the headings of a page end with, as GitHub makes it."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    texts = (re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in texts}


def test_links_to_headings_resolve() -> None:
    broken = [
        f"{shown(path)}: {link}#{anchor}"
        for path in tracked(".md")
        for link, anchor in re.findall(r"\]\(([^)\s#:]*)#([^)\s]+)\)", path.read_text("utf-8"))
        if anchor not in anchors(path.parent / link if link else path)
    ]
    assert not broken


def test_paths_in_documents_exist() -> None:
    known = known_paths()
    assert {"cpp/core", "core/seams/decoder.h", "engine/outbox", "Makefile"} <= known
    dead = [
        f"{shown(path)}: {name}"
        for path in tracked(".md")
        for name in re.findall(r"`([\w.-]+(?:/[\w.-]+)*)/?`", path.read_text("utf-8"))
        if looks_like_ours(name, known) and name not in known
    ]
    assert not dead


def known_paths() -> set[str]:
    """Files and folders of the repository by every tail of their path, modules without suffix too.

    A document may shorten a path from the left: `seams/decoder.h`, `engine/outbox`.
    """
    files = [path.relative_to(ROOT) for path in tracked()]
    paths = {Path("vendor/llama.cpp")}  # unpacked by the build
    for file in files:
        paths |= {file, file.with_suffix(""), *file.parents}
    return {Path(*path.parts[i:]).as_posix() for path in paths for i in range(len(path.parts))}


def looks_like_ours(name: str, known: set[str]) -> bool:
    """A source file, or a path whose first folder is one of ours."""
    if name.startswith("build/"):  # what is built is not tracked
        return False
    is_source = re.search(r"\w\.(h|cpp|py|pyi|proto)$", name)
    return bool(is_source) or ("/" in name and name.split("/")[0] in known)


def test_make_commands_in_documents_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    rules = re.findall(r"^([a-z][a-z -]*):(?!=)", makefile, re.MULTILINE)
    targets = {name for rule in rules for name in rule.split()}
    assert {"run", "test", "lint"} <= targets
    unknown = [
        f"{shown(path)}: make {target}"
        for path in tracked(".md")
        for target in re.findall(r"(?:^|`)make ([a-z-]+)", path.read_text("utf-8"), re.MULTILINE)
        if target not in targets
    ]
    assert not unknown
