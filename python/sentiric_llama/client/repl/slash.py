# SPDX-License-Identifier: AGPL-3.0-only
"""The commands inside a conversation: `/word rest`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sentiric_llama.client.repl.conversation import read_text
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.messages import say

if TYPE_CHECKING:
    from sentiric_llama.client.repl.repl import Repl

FENCE = '"""'

SETTABLE: dict[str, type[int] | type[float]] = {
    "temperature": float,
    "top_p": float,
    "top_k": int,
    "max_tokens": int,
    "seed": int,
}


class Slash(NamedTuple):
    """`run(repl, rest)` does it; True leaves the conversation."""

    usage: str
    help: str
    run: Callable[[Repl, str], bool | None]


def execute(repl: Repl, line: str) -> bool:
    """Runs one line that starts with a slash. True when the conversation is over."""
    word, _, rest = line[1:].partition(" ")
    found = SLASHES.get(ALIASES.get(word.lower(), word.lower()))
    if found is None:
        repl.tell(say("no such command: /{word}; see /help", word=word))
        return False
    return bool(found.run(repl, rest.strip()))


def _help(repl: Repl, _: str) -> None:
    for slash in SLASHES.values():
        repl.tell(f"  {slash.usage:<24} {say(slash.help)}")
    fences = f"{FENCE} ... {FENCE}"
    repl.tell(f"  {fences:<24} {say('a message of several lines')}")
    repl.tell(f"  {'Ctrl-C':<24} {say('stop the answer; twice at the prompt: leave')}")


def _system(repl: Repl, rest: str) -> None:
    if rest:
        repl.conversation.system = rest
    repl.tell(repl.conversation.system or say("no system prompt"))


def _file(repl: Repl, rest: str) -> None:
    path = Path(rest).expanduser()
    text = read_text(path)
    repl.attach(f"{path.name}:\n\n{text}")
    text = say("{name}: {count} characters go with it", name=path.name, count=len(text))
    repl.tell(text)


def _set(repl: Repl, rest: str) -> None:
    name, _, value = rest.replace("=", " ").partition(" ")
    if name and name not in SETTABLE:
        raise InvalidArgument(f"got {name!r}, allowed {', '.join(SETTABLE)}", where="/set")
    if name:
        kind = SETTABLE[name]
        try:
            parsed = kind(value) if value.strip() else None
        except ValueError:
            raise InvalidArgument(f"got {value!r}, allowed {kind.__name__}", where=name) from None
        changed: dict[str, Any] = {name: parsed}
        repl.wishes = dataclasses.replace(repl.wishes, **changed)
    for known in SETTABLE:
        now = getattr(repl.wishes, known)
        repl.tell(f"  {known:<12} {say('default') if now is None else now}")


def _regen(repl: Repl, _: str) -> None:
    question = repl.conversation.take_back()
    if question:
        repl.ask(question)
    else:
        repl.tell(say("nothing to answer again"))


def _undo(repl: Repl, _: str) -> None:
    repl.tell(repl.conversation.take_back() or say("nothing to take back"))


def _save(repl: Repl, rest: str) -> None:
    path = Path(rest or "conversation.json").expanduser()
    repl.conversation.save(path)
    repl.tell(str(path))


def _load(repl: Repl, rest: str) -> None:
    repl.conversation.load(Path(rest or "conversation.json").expanduser())
    repl.tell(say("{count} turns", count=len(repl.conversation.turns)))


def _stats(repl: Repl, rest: str) -> None:
    if rest in ("on", "off"):
        repl.shows_numbers = rest == "on"
    repl.tell(repl.last_numbers or say("no answer yet"))


def _clear(repl: Repl, _: str) -> None:
    repl.conversation.clear()
    repl.tell(say("forgotten"))


def _quit(_repl: Repl, _: str) -> bool:
    return True


SLASHES = {
    "help": Slash("/help", "this list", _help),
    "system": Slash("/system [TEXT]", "show or set the system prompt", _system),
    "file": Slash("/file PATH", "send a text file with the next message", _file),
    "set": Slash("/set [NAME VALUE]", "temperature, max_tokens and the like", _set),
    "regen": Slash("/regen", "answer the last message again", _regen),
    "undo": Slash("/undo", "take the last message and its answer back", _undo),
    "save": Slash("/save [PATH]", "write the conversation to a file", _save),
    "load": Slash("/load [PATH]", "go on with a saved conversation", _load),
    "stats": Slash("/stats [on|off]", "numbers of the last answer", _stats),
    "clear": Slash("/clear", "forget the conversation", _clear),
    "quit": Slash("/quit", "leave", _quit),
}
ALIASES = {"exit": "quit", "bye": "quit", "?": "help", "read": "file"}
