# SPDX-License-Identifier: AGPL-3.0-only
"""Node is needed by a checkout with an unbuilt web app, and by nobody else."""

from __future__ import annotations

import importlib.util
import os
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def backend() -> ModuleType:
    pytest.importorskip("scikit_build_core")
    return load(ROOT / "python" / "build_backend.py")


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    """Sources without anything built."""
    folder = tmp_path / "studio"
    folder.mkdir()
    (folder / "package.json").write_text("{}")
    return folder


def put_npm(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "npm"
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/calls\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")


def test_it_is_the_one_that_builds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["build-system"]["build-backend"] == "build_backend"
    assert project["build-system"]["backend-path"] == ["python"]


def test_this_checkout_needs_no_node(backend: ModuleType) -> None:
    assert not backend.is_unbuilt() and backend.node_requirement() == []


def test_node_is_asked_for_only_when_it_is_missing(
    backend: ModuleType, studio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert backend.node_requirement(studio) == [backend.NODE]
    (studio / "dist").mkdir()
    (studio / "dist" / "index.html").write_text("built")
    assert backend.node_requirement(studio) == []
    backend.build_studio(studio)  # nothing to do, and no npm to do it with


def test_what_is_unbuilt_is_built_once(
    backend: ModuleType, studio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_npm(tmp_path, "mkdir -p dist && echo app > dist/index.html", monkeypatch)
    assert backend.node_requirement(studio) == []  # the machine has npm
    backend.build_studio(studio)
    backend.build_studio(studio)
    assert (tmp_path / "calls").read_text().split("\n")[:-1] == [
        "ci --no-audit --no-fund",
        "run build",
    ]


@pytest.mark.parametrize(("script", "says"), [("exit 3", "ended with 3"), ("true", "made no")])
def test_a_build_that_fails_stops_the_wheel(
    backend: ModuleType,
    studio: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    says: str,
) -> None:
    put_npm(tmp_path, script, monkeypatch)
    with pytest.raises(RuntimeError, match=says):
        backend.build_studio(studio)


def test_the_fetch_inside_a_build_does_not_see_our_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip asks the archive's own backend, which the variables of our build would hide from it."""
    fetch = load(ROOT / "vendor" / "fetch.py")
    hooks = {"BUILD_BACKEND": "build_backend", "BACKEND_PATH_JSON": f'["{ROOT / "python"}"]'}
    for name, value in hooks.items():
        monkeypatch.setenv(fetch.HOOKS + name, value)
    seen = fetch.environment()
    assert "PATH" in seen and not any(name.startswith(fetch.HOOKS) for name in seen)
