# SPDX-License-Identifier: AGPL-3.0-only
"""All commands in the order of the help."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sentiric_llama.host.terminal import Terminal


class CommandModule(NamedTuple):
    """What the module of a command provides."""

    add_arguments: Callable[[Any], None]
    run: Callable[[argparse.Namespace, Terminal], int]


@dataclass(frozen=True, slots=True)
class Command:
    """A line of the help. `package` is the one below this that holds its module."""

    name: str
    package: str
    help: str
    aliases: tuple[str, ...] = ()

    def load(self) -> CommandModule:
        """Imports the command's module."""
        path = [__package__, *([self.package] if self.package else []), self.name.replace("-", "_")]
        found = importlib.import_module(".".join(path))
        return CommandModule(found.add_arguments, found.run)


# A new command is a line here and a module of its name.
COMMANDS = (
    Command("serve", "start", "start the server", aliases=("run",)),
    Command("config", "start", "show, check or describe the settings"),
    Command("plan", "start", "estimate the memory a model needs"),
    Command("doctor", "start", "diagnose the installation and the configuration"),
    Command("certs", "start", "make certificates for development"),
    Command("key", "start", "make, list and revoke API keys"),
    Command("chat", "ask", "chat with a model in the terminal"),
    Command("generate", "ask", "print the answer to one prompt"),
    Command("tokenize", "ask", "show the tokens of a text"),
    Command("embed", "ask", "print embeddings"),
    Command("grammar", "ask", "check JSON schemas and grammars, and texts against them"),
    Command("bench", "ask", "benchmark a running server or a model", aliases=("benchmark",)),
    Command("interrupt-test", "ask", "measure how fast a cancelled answer frees its context"),
    Command("scenarios", "ask", "run suites of conversations against a server, as CSV"),
    Command("ps", "watch", "show what a running server is doing"),
    Command("health", "watch", "check server health (exit code 0 if healthy)"),
    Command("wait", "watch", "wait until a server is ready", aliases=("wait-for-ready",)),
    Command("profile", "watch", "list the profiles a server can switch to"),
    Command("switch", "watch", "switch a running server to another profile"),
    Command("pull", "store", "download a model and verify its checksum"),
    Command("models", "store", "list cached models", aliases=("ls",)),
    Command("show", "store", "show the metadata of a model file"),
    Command("rm", "store", "remove cached models"),
    Command("verify", "store", "verify the checksums of cached models"),
    Command("completion", "", "print a shell completion script"),
    Command("version", "", "print the version and build information"),
    Command("help", "", "show the help of a command"),
)
COMMAND_OF = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}
