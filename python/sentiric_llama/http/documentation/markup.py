# SPDX-License-Identifier: AGPL-3.0-only
"""HTML elements as text, escaped. What is `Markup` is taken as it is."""

from __future__ import annotations

import re
from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str) -> Markup:
    """An element. `class_` is the attribute class."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value
    )
    return Markup(f"<{name}{given}>{joined(*children)}</{name}>")


def joined(*children: str) -> Markup:
    """The children one after the other."""
    return Markup("".join(c if isinstance(c, Markup) else escape(c, quote=False) for c in children))


def code(text: str) -> Markup:
    return element("code", text)


def link(text: str, target: str) -> Markup:
    return element("a", text, href=target)


def with_code(text: str) -> Markup:
    """A text in which what stands in backquotes is code."""
    parts = re.split(r"`([^`]+)`", text)
    return joined(*(code(part) if index % 2 else part for index, part in enumerate(parts)))


def sentences(text: str) -> Markup:
    """The paragraphs of a description."""
    return joined(*(element("p", with_code(part)) for part in text.split("\n\n") if part.strip()))
