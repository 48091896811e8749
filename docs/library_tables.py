# SPDX-License-Identifier: AGPL-3.0-only
"""The signatures of every public name of the library, from its sources."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from typing import Any

import sentiric_llama
from sentiric_llama.errors import SentiricLlamaError

Grid = Callable[[Sequence[str], Iterable[Sequence[str]]], str]


def signatures(grid: Grid) -> str:
    """Classes with methods, then records, then errors and what is left."""
    names = {name: getattr(sentiric_llama, name) for name in sorted(sentiric_llama.__all__)}
    errors = {n: k for n, k in names.items() if is_class(k) and issubclass(k, SentiricLlamaError)}
    records = {n: k for n, k in names.items() if is_class(k) and has_fields(k)}
    others = {n: k for n, k in names.items() if is_class(k) and n not in errors | records}
    parts = ["## Signatures\n"]
    parts += [_section(name, kind, _methods_of(kind, grid)) for name, kind in others.items()]
    for name, kind in records.items():
        tables = (_fields_of(kind, grid), _methods_of(kind, grid))
        parts.append(_section(name, kind, "\n".join(filter(None, tables))))
    parts.append("### Exceptions\n\n" + grid(["exception", "also a", "code", "meaning"],
                                             map(_error, errors.values())))  # fmt: skip
    rest = [(f"`{name}{_signature(value)}`", first_paragraph(value))
            for name, value in names.items() if inspect.isfunction(value)]  # fmt: skip
    rest.append(("`__version__`", "The version of the package."))
    parts.append("### Others\n\n" + grid(["name", "meaning"], rest))
    return "\n".join(parts)


def is_class(value: object) -> bool:
    return inspect.isclass(value)


def has_fields(kind: type[Any]) -> bool:
    return dataclasses.is_dataclass(kind)


def _section(name: str, kind: type[Any], text: str) -> str:
    return f"### {name}\n\n{first_paragraph(kind)}\n{f'{chr(10)}{text}' if text else ''}"


def first_paragraph(value: Any) -> str:
    return " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())


def methods(kind: type[Any]) -> Iterator[str]:
    """Public methods and properties, as they are written in the sources."""
    if issubclass(kind, Enum):
        return
    known = {field.name for field in dataclasses.fields(kind)} if has_fields(kind) else set()
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("sentiric_llama"):
            for name, value in vars(base).items():
                is_call = callable(value) or isinstance(
                    value, property | classmethod | staticmethod
                )
                if not name.startswith("_") and name not in known and is_call:
                    known.add(name)
                    yield name


def _methods_of(kind: type[Any], grid: Grid) -> str:
    if issubclass(kind, Enum):
        return grid(["member", "value"], [(f"`{m.name}`", f"`{m.value}`") for m in kind])
    rows = [(f"`{_call(kind, name)}`", first_paragraph(getattr(kind, name)))
            for name in methods(kind)]  # fmt: skip
    if not has_fields(kind) and kind.__init__ is not object.__init__:
        init = inspect.signature(kind)
        rows.insert(0, (f"`{kind.__name__}{_plain(str(init))}`", "")) if is_made(kind) else None
    return grid(["call", "what it does"], rows) if rows else ""


def is_made(kind: type[Any]) -> bool:
    """Whether callers make one by its name; the others come from a method."""
    return kind.__name__ in ("Engine", "Vocabulary")


def _call(kind: type[Any], name: str) -> str:
    value = inspect.getattr_static(kind, name)
    if isinstance(value, property):
        told = inspect.signature(value.fget).return_annotation  # type: ignore[arg-type]
        return f"{name}: {told}"
    wait = "await " if inspect.iscoroutinefunction(getattr(kind, name)) else ""
    owner = f"{kind.__name__}." if isinstance(value, classmethod) else ""
    return f"{wait}{owner}{name}{_signature(getattr(kind, name))}"


def _signature(value: Any) -> str:
    found = inspect.signature(value)
    kept = [each for each in found.parameters.values() if each.name != "self"]
    return _plain(str(found.replace(parameters=kept)))


def _plain(signature: str) -> str:
    """Without the quotes and the wrappers of annotations."""
    plain = re.sub(r"(: |-> )'(.*?)'(?=[,)]| =|$)", r"\1\2", signature)
    return re.sub(r"Unpack\[(\w+)\]", r"\1", plain)


def _fields_of(kind: type[Any], grid: Grid) -> str:
    told = dict(_told(kind))
    rows = [(f"`{field.name}`", f"`{field.type}`", _default(field), told.get(field.name, ""))
            for field in dataclasses.fields(kind)]  # fmt: skip
    return grid(["field", "type", "default", "meaning"], rows)


def _default(field: dataclasses.Field[Any]) -> str:
    value = field.default
    if value is dataclasses.MISSING:
        if field.default_factory is dataclasses.MISSING:
            return ""
        value = field.default_factory()
    return f"`{type(value).__name__}()`" if dataclasses.is_dataclass(value) else f"`{value!r}`"


def _told(kind: type[Any]) -> Iterator[tuple[str, str]]:
    """The texts below fields."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            yield ast.unparse(field.target), " ".join(str(ast.literal_eval(text.value)).split())


def _error(kind: type[SentiricLlamaError]) -> list[str]:
    also = [base.__name__ for base in kind.__bases__ if base is not SentiricLlamaError]
    code = f"`{kind.code}`" if kind is not SentiricLlamaError else ""
    return [f"`{kind.__name__}`", ", ".join(f"`{each}`" for each in also), code,
            first_paragraph(kind)]  # fmt: skip
