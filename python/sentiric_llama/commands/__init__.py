# SPDX-License-Identifier: AGPL-3.0-only
"""The verbs of the command line: one module each, imported when the verb is named.

A module has `add_arguments(parser)` and `run(arguments, terminal)`, which returns the exit code.
It imports what is heavy inside `run`: `VERB --help` must not wait for a web server.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from sentiric_llama.terminal import Terminal


class Command(NamedTuple):
    """What the module of a verb provides."""

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Terminal], int]


@dataclass(frozen=True, slots=True)
class Verb:
    """A line of the help. `module` is the name in this package unless it is the verb's own."""

    name: str
    help: str
    aliases: tuple[str, ...] = ()
    module: str = ""

    def load(self) -> Command:
        """Imports the verb's module."""
        found = importlib.import_module(f"{__name__}.{self.module or self.name}")
        return Command(found.add_arguments, found.run)


# In the order of the help. A new verb is a line here and a module of its name.
VERBS = (
    Verb("serve", "load a model and answer over the network", aliases=("run",)),
    Verb("config", "show, check and describe the settings"),
    Verb("plan", "predict the memory that a model needs"),
    Verb("doctor", "explain what is wrong with a set-up"),
    Verb("certs", "make certificates for development"),
    Verb("chat", "talk with a model on the terminal"),
    Verb("generate", "print the answer to one prompt"),
    Verb("tokenize", "show the tokens of a text"),
    Verb("embed", "print vectors of texts"),
    Verb("bench", "measure a running server, or the engine without one", aliases=("benchmark",)),
    Verb("interrupt-test", "measure how soon an answer stops", module="interrupt_test"),
    Verb("ps", "show what a running server does"),
    Verb("health", "ask whether a server is well; the exit code is the answer"),
    Verb("wait", "wait until a server is ready", aliases=("wait-for-ready",)),
    Verb("profile", "list the profiles that a server can be switched to"),
    Verb("switch", "change the model of a running server"),
    Verb("pull", "fetch a model and compare it with its checksum"),
    Verb("models", "list the models of the cache", aliases=("ls",)),
    Verb("show", "show what a model file says about itself"),
    Verb("rm", "remove models from the cache"),
    Verb("verify", "compare models of the cache with their checksums"),
    Verb("completion", "print the completion script of a shell"),
    Verb("version", "print the version and what it was built from"),
    Verb("help", "explain a verb"),
)
VERB_OF = {name: verb for verb in VERBS for name in (verb.name, *verb.aliases)}
