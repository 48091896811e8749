# SPDX-License-Identifier: AGPL-3.0-only
"""What a file of profiles may hold, and the example that ships."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sentiric_llama.errors import InvalidArgument
from sentiric_llama.settings.load import load_settings, resolve_settings
from sentiric_llama.settings.profile_file import EXAMPLE
from sentiric_llama.settings.profiles import Profiles


def write(folder: Path, profile: object) -> str:
    path = folder / "profiles.json"
    path.write_text(json.dumps({"profiles": {"one": profile}}))
    return str(path)


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        ({"temprature": 1}, "unknown key temprature; did you mean temperature?"),
        ({"contexts": 1}, "unknown key contexts; did you mean context_size?"),
        ({"qqq": 1}, "unknown key qqq; allowed: model_id, filename, "),
        (
            {"templates": {"rag_promt": "x"}},
            "unknown key templates.rag_promt; did you mean rag_prompt?",
        ),
        ({"templates": "x"}, "templates: got str, allowed an object"),
    ],
)
def test_an_unknown_key_gets_a_suggestion(tmp_path: Path, profile: object, text: str) -> None:
    path = write(tmp_path, profile)
    with pytest.raises(InvalidArgument) as caught:
        load_settings(profiles_path=path, profile="one")
    assert text in str(caught.value) and f"profile one in {path}" in str(caught.value)


def test_the_older_place_of_the_prompts(tmp_path: Path) -> None:
    path = write(tmp_path, {"system_prompt": "Be kind.", "description": "x", "category": "y"})
    settings = load_settings(profiles_path=path, profile="one")
    assert settings.default_system_prompt == "Be kind." and settings.profile == "one"


def test_the_active_one_is_known_by_name(tmp_path: Path) -> None:
    path = tmp_path / "profiles.json"
    path.write_text('{"active_profile": "one", "profiles": {"one": {}}}')
    resolved = resolve_settings("", profiles_path=str(path))
    assert resolved.settings.profile == "one" and "profile" not in resolved.above
    assert resolved.given["profile"].origin == f"file {path}"


def test_the_example_is_good(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    profiles = Profiles(resolve_settings("", profiles_path=str(EXAMPLE)).above)
    assert profiles.file().active == "gemma3_1b_instruct_q8"
    names = ("gemma3_1b_instruct_q8", "gemma3_4b_instruct_q4", "qwen25_3b_instruct")
    assert tuple(profiles.file().profiles) == names
    first, second, third = (profiles.settings(name) for name in names)
    assert (first.default_temperature, first.physical_batch_size) == (0.4, 1024)
    assert (second.context_size, second.default_temperature) == (2048, 0.3)
    assert (third.default_max_tokens, third.default_temperature) == (2048, 0.2)
    assert first.context_size == third.context_size == 4096
    monkeypatch.chdir(tmp_path)
    assert load_settings().profile == ""
