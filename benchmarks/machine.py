# SPDX-License-Identifier: AGPL-3.0-only
"""What a figure depends on: the machine and the commits."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.tools import ROOT
from sentiric_llama import build_info

_TELLING = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8", "asimd", "sve")


def facts(device: str) -> dict[str, Any]:
    """The hardware as the kernel describes it, and how busy it was."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    memory = re.search(r"MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    return {
        "cpu": _field(cpuinfo, "model name"),
        "cpu_flags": sorted(set(_field(cpuinfo, "flags").split()) & set(_TELLING)),
        "cores": cores(),
        "memory_gib": round(int(memory[1]) / 2**20, 1) if memory else None,
        "kernel": platform.release(),
        "load_average_at_start": [round(load, 2) for load in os.getloadavg()],
        "gpu": _gpu() if device == "cuda" else None,
    }


def cores() -> int:
    """Physical cores that this process may use: the threads of both servers unless told."""
    usable = os.sched_getaffinity(0)
    found = set()
    for cpu in usable:
        topology = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology")
        try:
            ids = [(topology / name).read_text() for name in ("physical_package_id", "core_id")]
        except OSError:
            ids = [str(cpu)]
        found.add(tuple(ids))
    return len(found)


def commits() -> dict[str, Any]:
    """Ours, and the llama.cpp tree that both sides are built from."""
    vendored = (ROOT / "vendor" / "LlamaCpp.cmake").read_text()
    pinned = re.search(r'SENTIRIC_LLAMA_COMMIT "(\w+)"', vendored)
    return {
        "ours": _git("rev-parse", "--short", "HEAD"),
        "ours_modified": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "llama_cpp": pinned[1] if pinned else "unknown",
        "engine": _build_info(),
    }


def _build_info() -> dict[str, Any]:
    """What the compiled engine says of itself: it may be older than the sources around it."""
    return {name: value for name, value in build_info().items() if "path" not in name}


def _field(text: str, name: str) -> str:
    match = re.search(rf"^{name}\s*:\s*(.*)$", text, re.MULTILINE | re.IGNORECASE)
    return match[1] if match else "unknown"


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _gpu() -> str:
    command = [
        "nvidia-smi",
        "--query-gpu=name,memory.total,driver_version",
        "--format=csv,noheader",
    ]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
