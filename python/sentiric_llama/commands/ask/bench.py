# SPDX-License-Identifier: AGPL-3.0-only
"""`bench`: measures a server or an engine; `bench compare A B` tells what changed."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sentiric_llama.commands._numbers import MOST, count, number
from sentiric_llama.commands._server import add_server, grpc_of, server_of
from sentiric_llama.commands._settings import settings_of
from sentiric_llama.commands.ask._chat_client import sampling
from sentiric_llama.host.printable import brief
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale.messages import say
from sentiric_llama.types.ranges import NumberRange

REGRESSION = 1
"""Exit code when something became worse than allowed."""
EXAMPLES = """\
  {program} bench --concurrent 8 --requests 64 --output before.json
  {program} bench --rate 4 --slo ttft=500ms,tpot=60ms
  {program} bench --prompt-len 2000 --shared-prefix 1900    what a prefix cache is worth
  {program} bench --engine ./model.gguf --concurrent 8 --contexts 8
  {program} bench compare before.json after.json --max-regression 5%
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The load, or two files to compare."""
    parser.epilog = EXAMPLES
    text = say("compare A B: compare two result files of --output")
    parser.add_argument("words", nargs="*", metavar="compare A B", help=text)
    text = say("compare: maximum allowed regression in percent")
    parser.add_argument("--max-regression", type=percent, default=5.0, metavar="PERCENT", help=text)
    _add_load(parser)
    _add_engine(parser)
    add_server(parser, timeout_s=600)


def _add_load(parser: argparse.ArgumentParser) -> None:
    load = parser.add_argument_group(say("load"))

    def add(*names: str, type: Callable[[str], float], default: float, help: str) -> None:
        text = f"{say(help)} ({say('default {value}', value=f'{default:g}')})"
        load.add_argument(*names, type=type, default=default, metavar="N", help=text)

    add("--requests", "--iterations", type=count(), default=32, help="total number of requests")
    add("--concurrent", type=count(), default=4, help="concurrent requests")
    text = "open-loop mode: Poisson arrivals at this rate (requests/s)"
    add("--rate", type=number(NumberRange("", 0, MOST)), default=0.0, help=text)
    add("--prompt-len", type=count(), default=128, help="tokens per prompt")
    add("--output-len", type=count(), default=64, help="tokens per answer")
    add("--shared-prefix", type=count(0), default=0, help="tokens of a common prompt prefix")
    add("--warm-up", type=count(0), default=2, help="warm-up requests, which are not counted")
    add("--seed", type=sampling("seed"), default=7, help="seed of prompts, arrivals and answers")
    text = say("latency targets for goodput, such as ttft=500ms,tpot=60ms")
    load.add_argument("--slo", default="", metavar="LIMITS", help=text)
    text = say("write the result to this file as well")
    load.add_argument("--output", type=Path, metavar="FILE", help=text)


def percent(text: str) -> float:
    """`5%`, or `5`."""
    return number(NumberRange("", 0, MOST))(text.removesuffix("%"))


def _add_engine(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(say("without a server"))
    text = say("benchmark this model in this process: a path, org/repo[:QUANT] or guide")
    group.add_argument("-m", "--engine", "--model", dest="model", metavar="MODEL", help=text)
    text = say("requests that run concurrently (slots)")
    group.add_argument("--contexts", metavar="N", help=text)
    text = say("tokens per context; 0 for the length the model was trained with")
    group.add_argument("--context-size", metavar="N", help=text)
    text = say("CPU threads; 0 for one per CPU that the process may use")
    group.add_argument("--compute-threads", metavar="N", help=text)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """0 when all went well, 1 when requests failed or something became worse."""
    from sentiric_llama.errors import InvalidArgument

    match arguments.words:
        case []:
            return _measure(arguments, terminal)
        case ["compare", before, after]:
            return _compare(Path(before), Path(after), arguments.max_regression, terminal)
    got = brief(" ".join(arguments.words))
    raise InvalidArgument(f"got {got}, allowed compare A B, or nothing", where="bench")


def _measure(arguments: argparse.Namespace, terminal: Terminal) -> int:
    import secrets
    from contextlib import closing

    from sentiric_llama.client.load.report import parse_slo, report
    from sentiric_llama.client.load.run import run_load

    plan, slo = plan_of(arguments), parse_slo(arguments.slo)
    if arguments.output:
        _check_output(arguments.output)
    with closing(_target(arguments, terminal)) as target:
        facts = target.facts()
        nonce = secrets.token_hex(4)
        samples, seconds = run_load(target, plan, nonce, _shown(terminal, plan.requests))
    found = report(samples, seconds, plan, slo, facts)
    if terminal.as_json:
        terminal.answer_json(found)
    else:
        _show(found, terminal)
    if arguments.output:
        _write(arguments.output, found)
    return REGRESSION if found["errors"] else 0


def _check_output(path: Path) -> None:
    """Before minutes of work: can the file be written? Leaves no empty one behind."""
    is_new = not path.exists()
    with _writing(path):
        path.open("a").close()
        if is_new:
            path.unlink()


def _write(path: Path, found: dict[str, Any]) -> None:
    import json

    with _writing(path):
        path.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    from sentiric_llama.errors import InvalidArgument
    from sentiric_llama.host.private_files import write_fault

    try:
        yield
    except OSError as error:
        what = f"cannot write {path}: {write_fault(path, error)}"
        raise InvalidArgument(what, where="--output") from None


def plan_of(arguments: argparse.Namespace) -> Any:
    """The load that was asked for."""
    from sentiric_llama.client.load.plan import LoadPlan

    return LoadPlan(
        requests=arguments.requests,
        concurrent=arguments.concurrent,
        rate=arguments.rate,
        prompt_tokens=arguments.prompt_len,
        output_tokens=arguments.output_len,
        shared_prefix=arguments.shared_prefix,
        warm_up=arguments.warm_up,
        seed=arguments.seed,
    )


def _target(arguments: argparse.Namespace, terminal: Terminal) -> Any:
    """The server, or the engine that `serve` would open with the same settings."""
    from sentiric_llama.client.load.target import EngineTarget, GrpcTarget, ServerTarget

    if arguments.model is None:
        rpc = grpc_of(arguments)
        return ServerTarget(server_of(arguments)) if rpc is None else GrpcTarget(rpc)
    from sentiric_llama.commands.store._progress import shown
    from sentiric_llama.engine.blocking import Engine
    from sentiric_llama.engine.memory.fit import fit_to_memory
    from sentiric_llama.models import find_model
    from sentiric_llama.service.models.loader import engine_config

    settings = settings_of(arguments)
    with shown(terminal) as report:
        model = find_model(settings, report=report)
    config, note = fit_to_memory(engine_config(settings, model), settings.fit)
    if note:
        terminal.note(note)
    return EngineTarget(Engine(config), model.name)


def _shown(terminal: Terminal, total: int) -> Any:
    """Progress on standard error, in tenths."""
    steps = {max(1, total * tenth // 10) for tenth in range(1, 11)}

    def hear(done: int) -> None:
        if done in steps and not terminal.as_json:
            terminal.note(say("{done} of {total} requests", done=done, total=total))

    return hear


def _show(found: dict[str, Any], terminal: Terminal) -> None:
    names = ("mean", "p50", "p90", "p95", "p99")
    rows = [
        (f"{name} ms", *("–" if v is None else f"{v:.1f}" for v in found[f"{name}_ms"].values()))
        for name in ("ttft", "tpot", "e2e")
    ]
    terminal.answer_table((say("MEASURE"), *names), rows)
    plain = {
        "output tok/s": found["output_tokens_per_s"],
        "prompt tok/s": found["prompt_tokens_per_s"],
        "requests/s": found["requests_per_s"],
        "goodput/s": found["goodput_per_s"],
        "ok": f"{found['ok']} / {found['requests']}",
        "errors": found["errors"] or 0,
        "tokens in, cached, out": " ".join(
            str(found[f"{name}_tokens"]) for name in ("prompt", "cached", "output")
        ),
        "seconds": found["duration_s"],
        "model": found["server"]["model"],
    }
    terminal.answer_table((say("FACT"), say("VALUE")), [(k, str(v)) for k, v in plain.items()])


def _compare(before: Path, after: Path, limit: float, terminal: Terminal) -> int:
    from sentiric_llama.client.load.report import compare
    from sentiric_llama.errors import InvalidArgument

    reports = _read(before), _read(after)
    try:
        rows = compare(*reports)
    except (KeyError, TypeError, AttributeError):
        text = f"{before} or {after} is not a bench result file"
        raise InvalidArgument(text, where="compare") from None
    is_bad = any(worse > limit for _, _, worse in rows)
    if terminal.as_json:
        changes = {name: round(change, 2) for name, change, _ in rows if change != float("inf")}
        terminal.answer_json({"is_regression": is_bad, "change_percent": changes})
    else:
        shown = [
            (name, f"{change:+.1f} %", say("worse") if worse > limit else "")
            for name, change, worse in rows
        ]
        terminal.answer_table((say("MEASURE"), say("CHANGE"), ""), shown)
    return REGRESSION if is_bad else 0


def _read(path: Path) -> dict[str, Any]:
    from sentiric_llama.commands.ask._input import json_of_file
    from sentiric_llama.errors import InvalidArgument

    found = json_of_file(path, "compare")
    if not isinstance(found, dict) or not isinstance(found.get("plan"), dict):
        raise InvalidArgument(f"{path} is not a bench result file", where="compare")
    return found
