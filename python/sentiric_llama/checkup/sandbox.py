# SPDX-License-Identifier: AGPL-3.0-only
"""What this system offers to confine the engine process."""

from __future__ import annotations

from collections.abc import Iterator

from sentiric_llama.checkup.finding import Finding, ok, warning
from sentiric_llama.engine.process.confinement import offered_layers
from sentiric_llama.settings.load import Resolved

FIXES = {
    "landlock": "boot Linux 5.13 or newer with lsm=landlock,..., or update the container runtime",
    "seccomp": "allow seccomp filters in the container's profile, or use a kernel that has them",
}


def check_sandbox(resolved: Resolved) -> Iterator[Finding]:
    """The engine runs without a layer as well, so that a missing one is no problem."""
    try:
        layers = offered_layers()
    except ImportError:
        return  # said by the check of the engine
    held = [f"{name} ({detail})" if detail else name for name, holds, detail in layers if holds]
    if resolved.settings.isolation != "process":
        text = "not in use; --isolation process enables {layers}"
        yield ok("sandbox", text, layers=", ".join(held))
        return
    for name, holds, detail in layers:
        if not holds:
            text = "the engine process runs without {layer}: {reason}"
            yield warning("sandbox", text, FIXES.get(name, ""), layer=name, reason=detail)
    if held:
        yield ok("sandbox", "layers of the engine process: {layers}", layers=", ".join(held))
