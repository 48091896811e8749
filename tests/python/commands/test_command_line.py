# SPDX-License-Identifier: AGPL-3.0-only
"""The command line as a whole: commands, laziness, languages, streams, exit codes, completion."""

from __future__ import annotations

import argparse
import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sentiric_llama import cli
from sentiric_llama.commands._settings import overrides_of
from sentiric_llama.commands.table import COMMAND_OF, COMMANDS, Command
from sentiric_llama.errors import ERROR_CLASSES, ContextLengthExceeded, SentiricLlamaError
from sentiric_llama.host.spelling import nearest
from sentiric_llama.host.terminal import Terminal
from sentiric_llama.locale import messages, turkish, turkish_settings
from sentiric_llama.settings.config import describe_fields

HEAVY = {"pydantic", "starlette", "uvicorn", "numpy", "grpc", "huggingface_hub", "rich", "h11"}
HEAVY |= {
    "httpx2",
    "httpcore2",
    "prometheus_client",
    "structlog",
    "shtab",
    "sentiric_llama._core",
    "asyncio",
}


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    messages.set_language("en")
    yield
    messages.set_language("en")


def run_python(program: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)} | environment,
    )


def run_cli(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from sentiric_llama import cli; sys.exit(cli.main())"
    return run_python(program, *words, **environment)


def modules_of(*words: str) -> set[str]:
    """What is imported while this command line runs."""
    program = (
        "import sys\nfrom sentiric_llama import cli\n"
        "try: cli.main()\nexcept SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = run_python(program, *words)
    assert "usage:" in done.stdout, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in COMMAND_OF)])
def test_no_help_waits_for_a_heavy_import(words: list[str]) -> None:
    found = modules_of(*words)
    assert not found & HEAVY
    # Nor a dozen light ones: each millisecond of a help text is an import.
    assert len(found) < 160


def test_the_help_imports_no_command() -> None:
    packages = {f"sentiric_llama.commands.{c.package}." for c in COMMANDS if c.package}
    assert not [name for name in modules_of("--help") if name.startswith(tuple(packages))]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_explains_itself(command: Command) -> None:
    parser, by_name = cli.build_parser([command.name])
    assert command.help in " ".join(parser.format_help().split())
    text = by_name[command.name].format_help()
    for word in ("usage:", "--json", "--lang", "--quiet", "show this help"):
        assert word in text
    assert all(by_name[alias] is by_name[command.name] for alias in command.aliases)


def test_help_and_the_help_command_agree(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["help", "completion"]) == 0
    by_command = capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        cli.main(["completion", "--help"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == by_command


def test_no_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    out, err = capsys.readouterr()
    assert not out and "serve" in err


def slips(word: str) -> set[str]:
    """What fingers make of it: a letter missing, doubled, wrong or exchanged with the next."""
    at = range(len(word))
    left_out = {word[:i] + word[i + 1 :] for i in at}
    doubled = {word[:i] + word[i] + word[i:] for i in at}
    wrong = {word[:i] + "x" + word[i + 1 :] for i in at}
    exchanged = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in at[:-1]}
    return (left_out | doubled | wrong | exchanged) - {word}


@pytest.mark.parametrize("name", [name for name in COMMAND_OF if len(name) > 2])
def test_every_slip_of_a_command_is_understood(name: str) -> None:
    known = list(COMMAND_OF)
    assert {nearest(slip, known) for slip in slips(name) - set(known)} == {name}
    assert nearest(name[1] + name[0] + name[2:], known) == name


def test_every_slip_of_a_flag_is_understood() -> None:
    known = ["--temperature", "--max-tokens", "--top-p", "--seed", "--stop", "--http-port"]
    for name in known:
        assert {nearest(f"--{slip}", known) for slip in slips(name[2:])} == {name}


@pytest.mark.parametrize(
    "word", ["foo", "frobnicate", "docker", "list", "stop", "build", "logs", "get", "x"]
)
def test_a_word_that_is_like_none_gets_no_suggestion(word: str) -> None:
    assert nearest(word, COMMAND_OF) == ""


@pytest.mark.parametrize(
    ("words", "suggestion"),
    [(["serv"], "serve"), (["completion", "bahs"], "bash"), (["help", "versoin"], "version")],
)
def test_a_mistyped_word_gets_a_suggestion(
    words: list[str], suggestion: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert not out and f"did you mean {suggestion}?" in err
    assert len(err.splitlines()) == 2 and max(map(len, err.splitlines())) < 100, "no list of 29"
    with pytest.raises(SystemExit):
        cli.main(["--json", *words])
    told = json.loads(capsys.readouterr().err)["error"]
    assert told["code"] == "invalid_argument" and f"did you mean {suggestion}?" in told["message"]


@pytest.mark.parametrize(
    ("words", "answer", "place"),
    [
        ("serve --http-prot 80", "unknown option --http-prot; did you mean --http-port?", "serve"),
        ("serve m --temprature 1", "did you mean --default-temperature?", "serve"),
        ("generate --temprature 1 hi", "did you mean --temperature?", "generate"),
        ("ps --wach", "did you mean --watch?", "ps"),
        ("config show --contxts=1", "unknown option --contxts; did you mean --contexts?", "config"),
        ("serve -c 4096", "-c: llama-server divides it among its slots", "serve"),
        ("serve m.gguf -c4096", "--context-size is for each of --contexts", "serve"),
        ("serve --threads 3", "use --compute-threads for CPU threads", "serve"),
        ("serve --lora x", "use --lora-dir", "serve"),
        ("serve a b", "unexpected argument b", "serve"),
        ("--prot", "unknown option --prot", ""),
    ],
)
def test_a_mistyped_flag_is_answered_where_it_belongs(
    words: str, answer: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(words.split())
    out, err = capsys.readouterr()
    assert caught.value.code == 2 and not out and answer in err
    flag = "--help-all" if place in ("serve", "config") else "--help"
    assert f"see sentiric-llama {place} {flag}".replace("  ", " ") in err


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("--port 1", "http_port", 1),
        ("-np 2", "contexts", 2),
        ("--parallel 2", "contexts", 2),
        ("-ngl 3", "gpu_layers", 3),
        ("-t 3", "compute_threads", 3),
        ("-tb 3", "compute_threads_batch", 3),
        ("-b 64", "batch_size", 64),
        ("-ub 64", "physical_batch_size", 64),
        ("-fa on", "flash_attention", "on"),
        ("-ctk q8_0", "cache_type_k", "q8_0"),
        ("-n 5", "default_max_tokens", 5),
        ("--temp 0.5", "default_temperature", 0.5),
        ("-a x", "model_alias", ["x"]),
        ("--host ::1", "host", "::1"),
        ("--api-key k", "api_key", "(set)"),
    ],
)
def test_flags_of_llama_server(
    words: str, name: str, value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["config", "show", "--json", *words.split()]) == 0
    assert json.loads(capsys.readouterr().out)[name]["value"] == value


def test_the_model_of_llama_server() -> None:
    for flag in ("-m", "--model", "-hf"):
        words = ["serve", flag, "x.gguf", "-ngl", "1"]
        arguments = cli.build_parser(words)[0].parse_args(words)
        assert overrides_of(vars(arguments)) | {"gpu_layers": 0} == {
            "model_path": "", "model_filename": "", "model_id": "x.gguf", "gpu_layers": 0
        }  # fmt: skip


def test_no_answer_stands_in_the_way_of_a_flag() -> None:
    """Aliases and answers are flags that we do not have, and name flags that we have."""
    from sentiric_llama.commands._llama_flags import ALIASES, ANSWERS

    flags = {field.flag for field in describe_fields()}
    flags |= {f"--no-{field.flag[2:]}" for field in describe_fields() if field.is_bool}
    taken = [alias for aliases in ALIASES.values() for alias in aliases]
    assert not flags & {*taken, *ANSWERS} and not set(taken) & set(ANSWERS)
    named = {word.strip(";:,.") for text in ANSWERS.values() for word in text.split()}
    assert {word for word in named if word.startswith("--")} <= flags


def test_a_shortened_flag_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """`--http` may mean another flag tomorrow."""
    with pytest.raises(SystemExit):
        cli.main(["serve", "--http", "1"])
    assert "--http" in capsys.readouterr().err


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    number = capsys.readouterr().out.strip()
    pytest.importorskip("sentiric_llama._core")
    assert cli.main(["version", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["version"] == number and {"llama_commit", "system_info", "python"} <= set(facts)
    assert cli.main(["version"]) == 0
    out = capsys.readouterr().out
    assert number in out and "True" not in out and "False" not in out
    rows = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert rows["supports_gpu"] in ("yes", "no")


@pytest.mark.parametrize("before", [True, False])
def test_common_options_stand_before_or_after_the_command(
    before: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--json", "completion", "bash"] if before else ["completion", "bash", "--json"]
    assert cli.main(words) == 0
    assert json.loads(capsys.readouterr().out)["shell"] == "bash"


def fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
        raise error

    monkeypatch.setattr("sentiric_llama.commands.version.run", run)
    return cli.main(["version", *words])


HINTS = {
    ContextLengthExceeded: "; shorten the prompt, or open the model with a larger --context-size"
}
"""What the command line adds for people."""


@pytest.mark.parametrize("kind", ERROR_CLASSES.values(), ids=lambda kind: kind.__name__)
def test_errors_have_fixed_exit_codes(
    kind: type[SentiricLlamaError],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = kind("it is so", where="here")
    assert fail_with(error, monkeypatch) == error.mapping.exit_code != 0
    out, err = capsys.readouterr()
    assert not out and err == f"sentiric-llama: [here] it is so{HINTS.get(kind, '')}\n"
    fail_with(error, monkeypatch, "--json")
    out, err = capsys.readouterr()
    body = {"code": error.code, "where": "here", "message": "it is so"}
    assert not out and json.loads(err) == {"error": body}


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fail_with(KeyboardInterrupt(), monkeypatch) == 130


def test_a_reader_that_leaves_is_no_traceback() -> None:
    program = (
        "import sys; from sentiric_llama import cli\n"
        "sys.stdout.reconfigure(line_buffering=True)\n"
        "sys.exit(cli.main(['completion', 'zsh']))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert child.stdout and child.stderr
    child.stdout.close()
    assert (child.stderr.read(), child.wait(60)) == ("", 141)
    child.stderr.close()


# Languages


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "tr_TR.UTF-8"}, "tr"),
        ({"LANG": "tr"}, "tr"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "tr_TR"}, "tr"),
        ({"LANG": "tr_TR.UTF-8", "LC_MESSAGES": "C"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_language_of_the_locale(environment: dict[str, str], language: str) -> None:
    assert messages.language_of(environment) == language


def test_texts_follow_the_locale_and_the_option() -> None:
    assert "kullanım: sentiric-llama" in run_cli("--help", LANG="tr_TR.UTF-8").stdout
    assert "kullanım: " in run_cli("serve", "--help", "--lang", "tr").stdout
    assert "usage: " in run_cli("--lang=en", "--help", LANG="tr_TR.UTF-8").stdout


def test_every_text_has_a_turkish_one_and_none_is_left_over() -> None:
    used, said = set(), set()
    for path in Path(cli.__file__).parent.rglob("*.py"):
        if path.parent.name == "locale":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                used.add(node.value)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                said |= {n.value for n in node.args if isinstance(n, ast.Constant)}
    assert not said - set(turkish.CATALOGUE)
    texts = {text for f in describe_fields() for text in (f.help, f.section, f.unit) if text}
    assert not set(turkish.CATALOGUE) - used - texts


def test_every_text_of_the_frame_is_translated() -> None:
    catalogue = messages.importlib.import_module("sentiric_llama.locale.turkish").CATALOGUE
    assert not {command.help for command in COMMANDS} - set(catalogue)
    for english, translation in catalogue.items():
        assert translation and fields_of(english) == fields_of(translation)


def fields_of(text: str) -> set[str]:
    import string

    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


# Flags of the settings


def test_every_setting_is_explained_in_turkish() -> None:
    texts = {text for f in describe_fields() for text in (f.help, f.section, f.unit) if text}
    assert not texts - turkish_settings.CATALOGUE.keys() - turkish.CATALOGUE.keys()
    left = set(turkish_settings.CATALOGUE) - texts
    assert left <= {"an integer", "a number", "text", "above"}, "texts that nobody asks for"


def test_the_help_of_the_settings_speaks_turkish(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["serve", "--help-all", "--lang", "tr"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--contexts DEĞER eşzamanlı çalışan istek sayısı (slot) (bir tam sayı 1..256;" in text
    assert "(true | false; varsayılan false)" in text and "an integer" not in text
    assert "--config DOSYA" in text


def test_a_help_says_each_thing_once(capsys: pytest.CaptureFixture[str]) -> None:
    def help_of(*words: str) -> str:
        with pytest.raises(SystemExit):
            cli.main([*words, "--help"])
        return capsys.readouterr().out

    assert "\n  -n, --max-tokens N " in help_of("generate")
    lines = help_of().splitlines()
    assert lines[lines.index("commands:") + 1].startswith("  serve (run) ")


def test_a_bad_flag_names_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve", "--contexts", "0"]) == 2
    assert "--contexts: got '0', allowed an integer 1..256" in capsys.readouterr().err


def test_model_argument_wins_over_the_environment() -> None:
    given = overrides_of({"model": "org/repo", "http_port": "1", "host": None, "json": True})
    assert given == {
        "model_path": "",
        "model_filename": "",
        "model_id": "org/repo",
        "http_port": "1",
    }
    assert overrides_of({"model": None}) == {}


def test_the_full_help_lists_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["serve", "--help-all"])
    text = "".join(capsys.readouterr().out.split())  # words may be broken at a hyphen
    for field in describe_fields():
        assert field.flag in text and field.env[0] in text and "".join(field.help.split()) in text


@pytest.mark.parametrize("command", ["serve", "plan", "doctor", "config"])
@pytest.mark.parametrize("language", ["en", "tr"])
def test_the_short_help_is_one_screen(
    command: str, language: str, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    """The common settings and the examples; where the others are."""
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        cli.main([command, "--help", "--lang", language])
    text = capsys.readouterr().out
    assert len(text.splitlines()) <= 60
    for word in ("--http-port", "--contexts", "--help-all", f"sentiric-llama {command} "):
        assert word in text
    assert "--port" not in text.replace("--http-port", "") and "--drain-settle-s" not in text
    assert text.index("--host") < text.index("--http-port") < text.index("--log-level")


# Completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command_and_flag(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for name in COMMAND_OF:
        assert name in script
    for field in describe_fields():
        assert field.flag.removeprefix("--") in script
    if found := shutil.which(shell):
        checked = subprocess.run([found, "-n"], input=script, text=True, capture_output=True)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_bash_completes_for_real(capsys: pytest.CaptureFixture[str]) -> None:
    bash = shutil.which("bash")
    if not bash:
        pytest.skip("no bash here")
    cli.main(["completion", "bash"])
    script = capsys.readouterr().out
    asked = {"sentiric-llama ser": "serve", "sentiric-llama serve --http-p": "--http-port"}
    for line, wanted in asked.items():
        words: Any = " ".join(f'"{word}"' for word in line.split())
        probe = f"""
COMP_WORDS=({words}); COMP_CWORD={len(line.split()) - 1}
$(complete -p sentiric-llama | sed -E 's/.*-F ([^ ]+).*/\\1/') sentiric-llama
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
        done = subprocess.run([bash, "-c", script + probe], capture_output=True, text=True)
        assert wanted in done.stdout.split(), done.stderr


def test_completion_is_named_after_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/llm_cli"])
    assert cli.program_name() == "llm_cli"
    monkeypatch.setattr(sys, "argv", ["pytest"])
    assert cli.program_name() == "sentiric-llama"
