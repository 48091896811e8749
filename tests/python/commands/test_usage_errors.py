# SPDX-License-Identifier: AGPL-3.0-only
"""What the parser refuses, and that every refusal has the shape of the other errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from sentiric_llama import cli
from sentiric_llama.commands.table import COMMANDS, Command
from sentiric_llama.locale import messages

COUNTS = [
    *(f"interrupt-test --runs {value}" for value in ("0", "-1", "1.5")),
    "interrupt-test --after-ms -1",
    *(f"bench {flag} 0" for flag in ("--requests", "--concurrent", "--prompt-len", "--output-len")),
    *(f"bench {flag} -1" for flag in ("--shared-prefix", "--warm-up", "--rate", "--requests")),
    *("certs dev --days 0", "certs dev --days -3", "wait --every 0", "wait --timeout -1"),
    *(f"{name} x --compute-threads -1" for name in ("generate", "tokenize", "embed")),
    *("chat --context-size -1", "chat --max-tokens -2", "chat --top-k -2", "ps --timeout 0"),
]
WRONG = [
    ("generate --temperature 7 x", "--temperature", "got 7, allowed a number 0..2"),
    ("generate --top-p nan x", "--top-p", "got nan, allowed a number 0..1"),
    ("generate -n many x", "--max-tokens", "got many, allowed an integer -1..2147483647"),
    ("generate --schema a --json-mode x", "--json-mode", "cannot be combined with --schema"),
    ("bench compare a b --max-regression x", "--max-regression", "got x, allowed a number"),
    ("bench --slo ttft=fast", "--slo", "got 'ttft=fast', allowed ttft|tpot|e2e=NUMBERms|s"),
    ("bench a b", "bench", "got a b, allowed compare A B, or nothing"),
    ("serve --port", "--port", "the value is missing"),
    ("ps --watch=3", "--watch", "takes no value, got '3'"),
    ("completion tcsh", "shell", "got tcsh, allowed bash, zsh, fish"),
    ("pull", "pull", "missing argument MODEL"),
    ("pull a b", "pull", "unexpected argument b"),
    ("serve --nope", "serve", "unknown option --nope"),
    ("nope", "command line", "unknown command nope"),
]


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    messages.set_language("en")
    yield
    messages.set_language("en")


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What standard error says of a command line that does nothing else."""
    try:
        code = cli.main(words)
    except SystemExit as end:
        code = int(str(end.code))
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    return err


@pytest.mark.parametrize("words", COUNTS)
def test_a_count_that_makes_no_sense_is_refused(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flag, value = words.split()[-2:]
    assert f"[{flag}] got {value}, allowed a" in refusal(capsys, *words.split())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_number_of_a_command_has_bounds(command: Command) -> None:
    """Those of argparse take any number, and say of others what no user understands."""
    _, parsers = cli.build_parser([command.name])
    for action in parsers[command.name]._actions:
        assert action.type not in (int, float), action.option_strings


@pytest.mark.parametrize(("words", "where", "what"), WRONG)
def test_a_refusal_says_where_and_what(
    words: str, where: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(capsys, *words.split()).startswith(f"sentiric-llama: [{where}] {what}")
    told = json.loads(refusal(capsys, "--json", *words.split()))["error"]
    assert (told["code"], told["where"]) == ("invalid_argument", where)
    assert told["message"].startswith(what)


@pytest.mark.parametrize("words", [words for words, _, _ in WRONG if "bench" not in words])
def test_a_refusal_speaks_turkish(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = refusal(capsys, *words.split(), "--lang", "tr")
    assert not re.search(r"\b(got|allowed|missing|unknown|unexpected|takes|cannot|see)\b", told)
