# SPDX-License-Identifier: AGPL-3.0-only
"""Python, the compiled engine, the processor and the graphics card."""

from __future__ import annotations

import importlib.machinery
import json
import platform
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sentiric_llama.checkup.finding import Finding, ok, problem, warning
from sentiric_llama.errors import ErrorCode
from sentiric_llama.host.product import PACKAGE
from sentiric_llama.host.sizes import human_bytes
from sentiric_llama.settings.load import Resolved

PROBE = """
import dataclasses, json
from sentiric_llama.engine.facts import build_info, list_devices
devices = [dataclasses.asdict(device) for device in list_devices()]
print(json.dumps(dict(build_info(), devices=devices)))
"""
FEATURES = ("avx", "avx2", "fma", "f16c", "avx512f", "amx_int8")
"""Flags of /proc/cpuinfo that matter most; the engine names them in capitals."""

LINK_ERRORS = (
    ("libgomp", "install the OpenMP library (Debian: apt-get install libgomp1)"),
    ("GLIBCXX_", "the C++ library is older than the one of the build: build here (make install)"),
    ("GLIBC_", "the C library is older than the one of the build: build here (make install)"),
    ("libcuda", "install the NVIDIA driver, or build without CUDA"),
    ("undefined symbol", "the parts of the build do not match: make clean, then make install"),
)
"""Words of the loader -> what to do."""


def check_python(_: Resolved) -> Iterator[Finding]:
    if sys.maxsize < 2**32:
        fix = "install a 64-bit Python"
        yield problem("python", ErrorCode.NOT_SUPPORTED, "this is a 32-bit Python", fix)
    else:
        yield ok("python", "Python {version}", version=platform.python_version())


def check_engine(_: Resolved) -> Iterator[Finding]:
    """Loads the module in a process of its own: a wrong build may end it with a signal."""
    suffixes = importlib.machinery.EXTENSION_SUFFIXES
    if not any((PACKAGE / f"_core{suffix}").exists() for suffix in suffixes):
        yield from _no_module()
        return
    done = probe(PROBE)
    if done.returncode == 0:
        facts = json.loads(done.stdout)
        yield ok("engine", "the engine loads; llama.cpp {llama_commit}", **facts)
        yield from _processor(facts)
        yield from _graphics(facts)
    else:
        yield _load_failure(done.returncode, done.stderr)


def probe(program: str) -> subprocess.CompletedProcess[str]:
    """Runs a Python program in the same environment."""
    command = [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}\n{program}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def _no_module() -> Iterator[Finding]:
    built = sorted(path.name for path in PACKAGE.glob("_core.*") if path.suffix != ".pyi")
    wanted = f"_core{sysconfig.get_config_var('EXT_SUFFIX')}"
    if built:
        text = "the engine was built for another Python: there is {found}, not {wanted}"
    else:
        text = "the engine is not built: there is no {wanted}"
    fix = "make install"
    if not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        fix = "install a C++ compiler (Debian: apt-get install build-essential), then make install"
    yield problem("engine", ErrorCode.INTERNAL, text, fix, found=", ".join(built), wanted=wanted)


def _load_failure(code: int, stderr: str) -> Finding:
    if code == -signal.SIGILL:
        return problem(
            "engine",
            ErrorCode.INTERNAL,
            "the engine was built for another CPU: it uses instructions that this one lacks",
            "build here (make install), or for any CPU (SENTIRIC_NATIVE=OFF)",
        )
    reason = stderr.strip().splitlines()[-1] if stderr.strip() else f"exit status {code}"
    fix = next((text for word, text in LINK_ERRORS if word in reason), "make clean, make install")
    text = "the engine cannot be loaded: {reason}"
    return problem("engine", ErrorCode.INTERNAL, text, fix, reason=reason)


def _processor(facts: dict[str, Any]) -> Iterator[Finding]:
    has = processor_flags() & set(FEATURES)
    built = str(facts["system_info"]).lower().replace("avx512 =", "avx512f =")
    unused = sorted(flag for flag in has if f"{flag} = 1" not in built)
    shown = ", ".join(sorted(has)) or platform.machine()
    if unused:
        text = "the build does not use {unused}, which this CPU has: it is slower than it could be"
        fix = "build here: SENTIRIC_NATIVE=ON make install"
        yield warning("processor", text, fix, unused=", ".join(unused))
    else:
        text = "the build uses what this CPU has: {shown}; matrix products: {kernels}"
        yield ok("processor", text, shown=shown, kernels=facts.get("cpu_kernels", "llama"))


def processor_flags(path: Path = Path("/proc/cpuinfo")) -> set[str]:
    """The instruction sets of this machine; none where the system does not tell."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return set()
    flags = next((line for line in lines if line.startswith("flags")), "flags:")
    return set(flags.partition(":")[2].split())


def _graphics(facts: dict[str, Any]) -> Iterator[Finding]:
    """Every GPU that llama.cpp sees; without one, why an NVIDIA card is not among them."""
    gpus = [device for device in facts["devices"] if device["kind"] in ("gpu", "igpu")]
    for gpu in gpus:
        text = "{name} is {description}; {free} of its {total} are free"
        sizes = {name: human_bytes(gpu[name]) for name in ("free", "total")}
        yield ok("graphics", text, **gpu | sizes)
    if gpus:
        return
    has_card = Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidiactl").exists()
    if has_card and not facts["supports_gpu"]:
        text = "there is an NVIDIA driver, but the build cannot use it"
        yield warning("graphics", text, "SENTIRIC_CUDA=ON make install")
    elif has_card:
        text = "there is an NVIDIA driver, but it reports no GPU"
        yield warning("graphics", text, "check nvidia-smi and CUDA_VISIBLE_DEVICES")
    elif facts["supports_gpu"]:
        text = "the build supports GPUs, but there is no NVIDIA driver"
        yield warning("graphics", text, "in a container: --gpus all; otherwise install the driver")
    else:
        yield ok("graphics", "no GPU: everything runs on the CPU")
