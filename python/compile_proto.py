# SPDX-License-Identifier: AGPL-3.0-only
"""Writes the Python code of our .proto files: `compile_proto.py DIR`.

The build of the wheel runs it, and `make proto` for a source checkout. DIR becomes the folder that
holds `sentiric_llama/rpc/generated/`. Nothing of it is committed.
"""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

PROTO = Path(__file__).parent / "sentiric_llama" / "rpc" / "proto"
PACKAGE = "sentiric_llama/rpc/generated"
LICENCE = "# SPDX-License-Identifier: AGPL-3.0-only\n"


def main(target: Path) -> int:
    """Compiles everything. Returns protoc's exit code."""
    folder = target / PACKAGE
    folder.mkdir(parents=True, exist_ok=True)
    code: int = protoc.main(
        [
            "protoc",
            f"-I{PACKAGE}={PROTO}",  # a virtual path: the code imports from where it will be
            f"-I{resources.files('grpc_tools') / '_proto'}",
            *(f"--{kind}_out={target}" for kind in ("python", "pyi", "grpc_python")),
            *(f"{PACKAGE}/{path.name}" for path in sorted(PROTO.glob("*.proto"))),
        ]
    )
    (folder / "__init__.py").write_text(LICENCE + '"""Made from rpc/proto by the build."""\n')
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
