# SPDX-License-Identifier: AGPL-3.0-only
"""The commands inside a conversation: `/word rest`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from sentiric_llama.client.chat_client import GenerationOptions
from sentiric_llama.client.repl.conversation import Conversation, read_text
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.locale.messages import say

FENCE = '"""'

SETTABLE: dict[str, type[int] | type[float]] = {
    "temperature": float,
    "top_p": float,
    "top_k": int,
    "max_tokens": int,
    "seed": int,
}


class Session(Protocol):
    """What a command may look at and change."""

    conversation: Conversation
    options: GenerationOptions
    shows_numbers: bool
    last_numbers: str

    def tell(self, text: str) -> None: ...

    def attach(self, text: str) -> None: ...

    def ask(self, question: str) -> None: ...


class Slash(NamedTuple):
    """`run(session, rest)` does it; True leaves the conversation."""

    usage: str
    help: str
    run: Callable[[Session, str], bool | None]


def execute(session: Session, line: str) -> bool:
    """Runs one line that starts with a slash. True when the conversation is over."""
    word, _, rest = line[1:].partition(" ")
    found = SLASHES.get(ALIASES.get(word.lower(), word.lower()))
    if found is None:
        session.tell(say("no such command: /{word}; see /help", word=word))
        return False
    return bool(found.run(session, rest.strip()))


def _help(session: Session, _: str) -> None:
    for slash in SLASHES.values():
        session.tell(f"  {slash.usage:<24} {say(slash.help)}")
    fences = f"{FENCE} ... {FENCE}"
    session.tell(f"  {fences:<24} {say('a message of several lines')}")
    session.tell(f"  {'Ctrl-C':<24} {say('stop the answer; twice at the prompt: leave')}")


def _system(session: Session, rest: str) -> None:
    if rest:
        session.conversation.system = rest
    session.tell(session.conversation.system or say("no system prompt"))


def _file(session: Session, rest: str) -> None:
    path = Path(rest).expanduser()
    text = read_text(path)
    session.attach(f"{path.name}:\n\n{text}")
    text = say("{name}: {count} characters go with it", name=path.name, count=len(text))
    session.tell(text)


def _set(session: Session, rest: str) -> None:
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
        session.options = dataclasses.replace(session.options, **changed)
    for known in SETTABLE:
        now = getattr(session.options, known)
        session.tell(f"  {known:<12} {say('default') if now is None else now}")


def _regen(session: Session, _: str) -> None:
    question = session.conversation.take_back()
    if question:
        session.ask(question)
    else:
        session.tell(say("nothing to answer again"))


def _undo(session: Session, _: str) -> None:
    session.tell(session.conversation.take_back() or say("nothing to take back"))


def _save(session: Session, rest: str) -> None:
    path = Path(rest or "conversation.json").expanduser()
    session.conversation.save(path)
    session.tell(str(path))


def _load(session: Session, rest: str) -> None:
    session.conversation.load(Path(rest or "conversation.json").expanduser())
    session.tell(say("{count} turns", count=len(session.conversation.turns)))


def _stats(session: Session, rest: str) -> None:
    if rest in ("on", "off"):
        session.shows_numbers = rest == "on"
    session.tell(session.last_numbers or say("no answer yet"))


def _clear(session: Session, _: str) -> None:
    session.conversation.clear()
    session.tell(say("forgotten"))


def _quit(_session: Session, _: str) -> bool:
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
