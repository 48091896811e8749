# SPDX-License-Identifier: AGPL-3.0-only
"""Where settings come from: every name of every setting, precedence, files, secrets, profiles."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from sentiric_llama import cli
from sentiric_llama.errors import InvalidArgument
from sentiric_llama.settings import names
from sentiric_llama.settings.config import PREFIX, Settings, describe_fields
from sentiric_llama.settings.files import FILE_NAME
from sentiric_llama.settings.load import environment_warnings, load_settings, resolve_settings
from sentiric_llama.settings.profile_file import PROFILE_KEYS

FIELDS = {field.name: field for field in describe_fields()}
SPECIAL = {
    "allowed_hosts": "llm.example",
    "cors_origins": "https://page.example",
    "api_key": "some-text",
    "admin_key": "some-text",
    "metrics_key": "some-text",
    "api_keys": "app:user:k, scrape:metrics:m",
    "profile": "one",
    "profiles_path": "profiles.json",
    "prefill_chunk": "64",
}


@pytest.fixture(autouse=True)
def profiles() -> None:
    """A file with one profile and no active one."""
    Path("profiles.json").write_text('{"profiles": {"one": {}}}')


def sample(name: str) -> str:
    """A value that is allowed and is not the default."""
    field = FIELDS[name]
    if name in SPECIAL:
        return SPECIAL[name]
    if field.allowed == "true | false":
        return "false" if field.default else "true"
    if " | " in field.allowed:
        return next(c for c in field.allowed.split(" | ") if c != field.default)
    if match := re.search(r"(above )?(-?[\d.]+)\.\.(-?[\d.]+)$", field.allowed):
        return match[3]
    return "some text"


def read(name: str, flags: list[str] | None = None) -> Any:
    """The setting as `serve` with these flags would have it."""
    from sentiric_llama.commands._settings import settings_of

    arguments = cli.build_parser(["serve"])[0].parse_args(["serve", *(flags or [])])
    value = getattr(settings_of(arguments), name)
    return value.get_secret_value() if FIELDS[name].is_secret and value else value


def expected(name: str) -> Any:
    value = getattr(Settings.model_validate({name: sample(name)}), name)
    return value.get_secret_value() if FIELDS[name].is_secret else value


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_has_five_faces(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag, its variables, a key of the file, a help line, a line of the reference page."""
    field, value, wanted = FIELDS[name], sample(name), expected(name)
    assert read(name) != wanted
    flag = [field.flag, value]
    if field.is_bool:
        flag = [field.flag if value == "true" else "--no-" + field.flag[2:]]
    assert read(name, flag) == wanted
    for variable in field.env:
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            assert read(name) == wanted, variable
    Path(FILE_NAME).write_text(f"{name} = {json.dumps(value)}\n")
    assert read(name) == wanted
    page = (Path(__file__).parents[3] / "docs/settings.md").read_text("utf-8")
    assert f"| `{name}` | `{field.flag}" in page and field.help.replace("|", "\\|") in page


def test_the_prefix_is_written_once() -> None:
    root = Path(__file__).parents[3]
    places = [
        path.name
        for folder in ("python", "benchmarks")
        for path in (root / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value == PREFIX
    ]
    assert places == ["product.py"]


def test_the_written_reference_is_up_to_date() -> None:
    """Else: make reference."""
    import runpy

    reference = runpy.run_path(str(Path(__file__).parents[3] / "docs" / "reference.py"))
    pages = reference["pages"]()
    assert not [path.name for path, text in pages.items() if path.read_text("utf-8") != text]


# Precedence


def test_the_first_layer_that_sets_a_name_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def port_and_origin(**flags: Any) -> tuple[int, str]:
        resolved = resolve_settings("", **flags)
        given = resolved.given.get("context_size")
        return resolved.settings.context_size, given.origin if given else "default"

    assert port_and_origin() == (4096, "default")
    profile = {"active_profile": "one", "profiles": {"one": {"context_size": 1001}}}
    Path("profiles.json").write_text(json.dumps(profile))
    assert port_and_origin() == (1001, "profile one")
    Path(FILE_NAME).write_text("context_size = 1002")
    assert port_and_origin() == (1002, f"file {FILE_NAME}")
    Path(".env").write_text(f"{PREFIX}CONTEXT_SIZE=1003\n")
    assert port_and_origin() == (1003, ".env")
    monkeypatch.setenv(PREFIX + "CONTEXT_SIZE", "1004")
    assert port_and_origin() == (1004, "environment")
    assert port_and_origin(context_size="1005") == (1005, "flag")


def test_old_names_of_one_layer_yield_to_new_names_of_any(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(FILE_NAME).write_text("contexts = 2")
    monkeypatch.setenv(PREFIX + "THREADS", "7")
    assert load_settings().contexts == 7
    monkeypatch.setenv(PREFIX + "CONTEXTS", "3")
    assert load_settings().contexts == 3


def test_places_of_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home/.config/sentiric-llama"
    home.mkdir(parents=True)
    (home / FILE_NAME).write_text("http_port = 1")
    assert load_settings().http_port == 1
    Path(FILE_NAME).write_text("http_port = 2")
    assert load_settings().http_port == 2
    Path("by_variable.toml").write_text("http_port = 3")
    monkeypatch.setenv(PREFIX + "CONFIG", "by_variable.toml")
    assert load_settings().http_port == 3
    Path("by_flag.toml").write_text("http_port = 4")
    assert load_settings("by_flag.toml").http_port == 4
    assert read("http_port", ["--config", "by_flag.toml"]) == 4


def test_who_chooses_a_model_hides_lower_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(FILE_NAME).write_text('model_path = "old.gguf"\nmodel_filename = "f.gguf"')
    monkeypatch.setenv(PREFIX + "MODEL_ID", "org/repo")
    settings = load_settings()
    assert (settings.model_id, settings.model_path, settings.model_filename) == ("org/repo", "", "")
    monkeypatch.delenv(PREFIX + "MODEL_ID")
    monkeypatch.setenv(PREFIX + "MODEL_FILENAME", "other.gguf")  # a file of the same repository
    settings = load_settings()
    assert (settings.model_path, settings.model_filename) == ("old.gguf", "other.gguf")


# Files


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("contexts = 0", ["contexts in bad.toml", "got 0", "1..256"]),
        ("contexts = 'many'", ["contexts in bad.toml", "'many'"]),
        ("contxts = 4", ["bad.toml: unknown setting contxts; did you mean contexts?"]),
        ("[engine]\ncontexts = 4", ["unknown setting engine"]),
        ("contexts = ", ["bad.toml is not valid TOML"]),
        ("\xff", ["is not valid TOML"]),
    ],
)
def test_bad_files_stop_the_start(text: str, words: list[str]) -> None:
    Path("bad.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidArgument) as caught:
        load_settings("bad.toml")
    for word in words:
        assert word in str(caught.value)


def test_a_missing_file_stops_the_start() -> None:
    with pytest.raises(InvalidArgument, match=r"cannot read absent\.toml: No such file"):
        load_settings("absent.toml")


def test_lists_of_a_file() -> None:
    Path(FILE_NAME).write_text('model_alias = ["a", "b"]\ncors_origins = "https://x, https://y"')
    settings = load_settings()
    assert settings.model_alias == ("a", "b") and settings.cors_origins == (
        "https://x",
        "https://y",
    )


# Secrets


def test_secrets_from_files(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("key").write_text("very-secret\n")
    assert read("api_key", ["--api-key-file", "key"]) == "very-secret"
    Path(FILE_NAME).write_text('api_key_file = "key"')
    assert read("api_key") == "very-secret"
    Path(FILE_NAME).unlink()
    monkeypatch.setenv(PREFIX + "API_KEY_FILE", "key")
    assert read("api_key") == "very-secret"
    assert environment_warnings() == []
    monkeypatch.setenv(PREFIX + "API_KEY", "other")
    with pytest.raises(InvalidArgument, match=r"API_KEY_FILE and .*API_KEY are mutually") as caught:
        load_settings()
    assert "secret" not in str(caught.value) and "other" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_bad_secret_files(content: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if content is not None:
        Path("key").write_bytes(content)
    monkeypatch.setenv(PREFIX + "API_KEY_FILE", "key")
    with pytest.raises(InvalidArgument, match="API_KEY_FILE"):
        load_settings()


# Names


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("HTTP_PROT", ["is an unknown setting", f"did you mean {PREFIX}HTTP_PORT?"]),
        ("CONTEXT", ["is an unknown setting", f"did you mean {PREFIX}CONTEXTS?"]),
        ("API_KEY_FIEL", [f"did you mean {PREFIX}API_KEY_FILE?"]),
        ("QQQQ", ["is an unknown setting"]),
        ("HTTP_THREADS", ["has no effect", "MAX_CONNECTIONS"]),
        ("THREADS_BATCH", ["is deprecated", "COMPUTE_THREADS_BATCH"]),
    ],
)
def test_names_that_deserve_a_word(
    name: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PREFIX + name, "1")
    (line,) = environment_warnings()
    assert line.startswith(PREFIX + name + " ")
    for word in words:
        assert word in line


@pytest.mark.parametrize("name", ["API_KEY", "API_KEYS_FILE", "ALLOWED_HOSTS"])
def test_a_guard_without_its_prefix(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")
    (line,) = environment_warnings()
    assert line == f"{name} is not read; the setting is {PREFIX}{name}"
    monkeypatch.setenv(PREFIX + name, "1")
    assert environment_warnings() == []


def test_old_names_are_names_of_a_setting_and_retired_ones_are_not() -> None:
    known = names.known_names(FIELDS.values())
    for old, (new, _) in names.DEPRECATED.items():
        assert {PREFIX + old, PREFIX + new} <= known
    for name in names.RETIRED:
        assert PREFIX + name not in known


# Profiles


def test_a_profile_of_the_seed() -> None:
    profile = {
        "display_name": "Gemma", "category": "small", "model_id": "org/repo", "filename": "m.gguf",
        "context_size": 2048, "gpu_layers": 10, "temperature": 0.4, "repeat_penalty": 1.05,
        "top_p": 0.9, "top_k": 20, "default_max_tokens": 77, "max_batch_size": 2,
        "physical_batch_size": 256, "threads": 3, "threads_batch": 5, "enable_batching": True,
        "use_mmap": False, "kv_offload": False,
        "templates": {"system_prompt": "Be kind.", "rag_prompt": "{{rag_context}}"},
    }  # fmt: skip
    text = json.dumps({"active_profile": "one", "profiles": {"one": profile, "two": {"top_k": 1}}})
    Path("profiles.json").write_text(text)
    settings = load_settings()
    values = {**profile, **profile["templates"]}  # type: ignore[dict-item]
    for key, name in PROFILE_KEYS.items():
        assert getattr(settings, name) == values[key], key
    assert load_settings(profile="two").default_top_k == 1
    with pytest.raises(InvalidArgument, match="no profile three; available: one, two"):
        load_settings(profile="three")


def test_places_of_profiles(tmp_path: Path) -> None:
    Path("profiles.json").unlink()
    with pytest.raises(InvalidArgument, match=r"there is no profiles\.json"):
        load_settings(profile="one")
    (tmp_path / "profiles.json").write_text('{"profiles": {"one": {"top_k": 3}}}')
    assert load_settings(profile="one", model_dir=str(tmp_path)).default_top_k == 3
    path = str(tmp_path / "profiles.json")
    assert load_settings(profile="one", profiles_path=path).default_top_k == 3


@pytest.mark.parametrize("text", ["[]", '{"profiles": []}', '{"profiles": {"one": 1}}'])
def test_files_without_profiles(text: str) -> None:
    Path("profiles.json").write_text(text)
    with pytest.raises(InvalidArgument, match="contains no profiles"):
        load_settings()


def test_a_bad_value_of_a_profile_names_it() -> None:
    Path("profiles.json").write_text('{"profiles": {"one": {"top_k": "many"}}}')
    with pytest.raises(
        InvalidArgument, match=r"top_k of profile one in profiles\.json: got 'many'"
    ):
        load_settings(profile="one")
