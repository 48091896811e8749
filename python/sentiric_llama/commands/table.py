# SPDX-License-Identifier: AGPL-3.0-only
"""All commands in the order of the help."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from sentiric_llama.host.terminal import Terminal


class CommandModule(NamedTuple):
    """What the module of a command provides."""

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Terminal], int]


@dataclass(frozen=True, slots=True)
class Command:
    """A line of the help. `room` is the package below this one that holds its module."""

    name: str
    room: str
    help: str
    aliases: tuple[str, ...] = ()

    def load(self) -> CommandModule:
        """Imports the verb's module."""
        path = [__package__, *([self.room] if self.room else []), self.name.replace("-", "_")]
        found = importlib.import_module(".".join(path))
        return CommandModule(found.add_arguments, found.run)


# A new command is a line here and a module of its name.
COMMANDS = (
    Command("serve", "start", "load a model and answer over the network", aliases=("run",)),
    Command("config", "start", "show, check and describe the settings"),
    Command("plan", "start", "predict the memory that a model needs"),
    Command("doctor", "start", "explain what is wrong with a set-up"),
    Command("certs", "start", "make certificates for development"),
    Command("chat", "ask", "talk with a model on the terminal"),
    Command("generate", "ask", "print the answer to one prompt"),
    Command("tokenize", "ask", "show the tokens of a text"),
    Command("embed", "ask", "print vectors of texts"),
    Command(
        "bench",
        "ask",
        "measure a running server, or the engine without one",
        aliases=("benchmark",),
    ),
    Command("interrupt-test", "ask", "measure how soon an answer stops"),
    Command("ps", "watch", "show what a running server does"),
    Command("health", "watch", "ask whether a server is well; the exit code is the answer"),
    Command("wait", "watch", "wait until a server is ready", aliases=("wait-for-ready",)),
    Command("profile", "watch", "list the profiles that a server can be switched to"),
    Command("switch", "watch", "change the model of a running server"),
    Command("pull", "store", "fetch a model and compare it with its checksum"),
    Command("models", "store", "list the models of the cache", aliases=("ls",)),
    Command("show", "store", "show what a model file says about itself"),
    Command("rm", "store", "remove models from the cache"),
    Command("verify", "store", "compare models of the cache with their checksums"),
    Command("completion", "", "print the completion script of a shell"),
    Command("version", "", "print the version and what it was built from"),
    Command("help", "", "explain a verb"),
)
COMMAND_OF = {name: verb for verb in COMMANDS for name in (verb.name, *verb.aliases)}
