# SPDX-License-Identifier: AGPL-3.0-only
"""The commands inside a conversation: `/word rest`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from sentiric_llama.client.chat_client import GenerationOptions
from sentiric_llama.client.repl.conversation import Conversation, read_text
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.host.plain_numbers import plain_number
from sentiric_llama.host.printable import brief, quoted
from sentiric_llama.locale.messages import say, say_many
from sentiric_llama.types.ranges import MAX_TOKENS, SAMPLING_RANGES, NumberRange

FENCE = '"""'
DEFAULT_FILE = "conversation.json"
_PLACEHOLDER = re.compile("[A-Z]+")

SETTABLE: dict[str, NumberRange] = {
    **{name: SAMPLING_RANGES[name] for name in ("temperature", "top_p", "top_k")},
    "max_tokens": MAX_TOKENS,
    "seed": SAMPLING_RANGES["seed"],
}
DEFAULT = "default"
"""The value that leaves a parameter to the server again."""


class Session(Protocol):
    """What a command may look at and change."""

    conversation: Conversation
    options: GenerationOptions
    shows_numbers: bool
    last_numbers: str

    def note(self, text: str) -> None: ...

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
        session.note(say("no such command: /{word}; see /help", word=word))
        return False
    return bool(found.run(session, rest.strip()))


def _help(session: Session, _: str) -> None:
    for slash in SLASHES.values():
        usage = _PLACEHOLDER.sub(lambda word: say(word[0]), slash.usage)
        session.note(f"  {usage:<24} {say(slash.help)}")
    fences = f"{FENCE} ... {FENCE}"
    session.note(f"  {fences:<24} {say('a message of several lines; so are pasted lines')}")
    session.note(f"  {'Ctrl-C':<24} {say('stop the answer; twice at the prompt: quit')}")


def _system(session: Session, rest: str) -> None:
    if rest:
        session.conversation.system = rest
    session.note(session.conversation.system or say("no system prompt"))


def _file(session: Session, rest: str) -> None:
    path = Path(rest).expanduser()
    text = read_text(path)
    session.attach(f"{path.name}:\n\n{text}")
    one = "{name}: attached {count} character to the next message"
    many = "{name}: attached {count} characters to the next message"
    session.note(say_many(len(text), one, many, name=path.name))


def _set(session: Session, rest: str) -> None:
    """`NAME VALUE` sets, `NAME default` resets, `NAME` shows, nothing shows all."""
    name, _, value = rest.replace("=", " ").partition(" ")
    if name and name not in SETTABLE:
        raise InvalidArgument(f"unknown parameter {brief(name)}; allowed {', '.join(SETTABLE)}",
                              where="/set")  # fmt: skip
    if value := value.strip():
        changed: dict[str, Any] = {name: None if value == DEFAULT else _number(name, value)}
        session.options = dataclasses.replace(session.options, **changed)
    for known in [name] if name else SETTABLE:
        now = getattr(session.options, known)
        session.note(f"  {known:<12} {say('default') if now is None else now}")


def _number(name: str, text: str) -> float:
    """The value, checked as a request's would be."""
    allowed = SETTABLE[name]
    try:
        value = plain_number(text, integer=allowed.integer)
    except ValueError:
        what = f"got {quoted(text)}, allowed {allowed.allowed}, or {DEFAULT}"
        raise InvalidArgument(what, where=name) from None
    return allowed.check(value)


def _regen(session: Session, _: str) -> None:
    question = session.conversation.take_back()
    if question:
        session.note(say("asking again: {text}", text=brief(question)))
        session.ask(question)
    else:
        session.note(say("nothing to regenerate"))


def _undo(session: Session, _: str) -> None:
    question = session.conversation.take_back()
    session.note(say("removed: {text}", text=question) if question else say("nothing to undo"))


def _save(session: Session, rest: str, *, replaces: bool = False) -> None:
    path = Path(rest or DEFAULT_FILE).expanduser()
    if path.exists() and not replaces:
        raise InvalidArgument(f"{path} exists; /save! {path} replaces it", where="/save")
    session.conversation.save(path)
    session.note(str(path))


def _replace(session: Session, rest: str) -> None:
    _save(session, rest, replaces=True)


def _load(session: Session, rest: str) -> None:
    session.conversation.load(Path(rest or DEFAULT_FILE).expanduser())
    session.note(say_many(len(session.conversation.turns), "{count} turn", "{count} turns"))


def _stats(session: Session, rest: str) -> None:
    if rest in ("on", "off"):
        session.shows_numbers = rest == "on"
    session.note(session.last_numbers or say("no answer yet"))


def _clear(session: Session, _: str) -> None:
    session.conversation.clear()
    session.note(say("conversation cleared"))


def _quit(_session: Session, _: str) -> bool:
    return True


SLASHES = {
    "help": Slash("/help", "this list", _help),
    "system": Slash("/system [TEXT]", "show or set the system prompt", _system),
    "file": Slash("/file FILE", "attach a text file to the next message", _file),
    "set": Slash("/set [NAME [VALUE]]", "temperature, max_tokens, ...; default resets", _set),
    "regen": Slash("/regen", "regenerate the last answer", _regen),
    "undo": Slash("/undo", "remove the last message and its answer", _undo),
    "save": Slash("/save [FILE]", "save the conversation to a new file", _save),
    "save!": Slash("/save! [FILE]", "save it and replace the file", _replace),
    "load": Slash("/load [FILE]", "load a saved conversation", _load),
    "stats": Slash("/stats [on|off]", "statistics of the last answer, or of each", _stats),
    "clear": Slash("/clear", "clear the conversation", _clear),
    "quit": Slash("/quit", "quit", _quit),
}
ALIASES = {"exit": "quit", "bye": "quit", "?": "help", "read": "file"}
