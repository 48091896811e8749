# SPDX-License-Identifier: AGPL-3.0-only
"""A client of data/contract.proto as its own process: our stubs have the same names.

`contract_client.py ADDRESS` compiles the contract, reads requests in JSON from standard input, one
a line, and answers each with a line: pieces, finish details, or the status of an error.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from grpc_tools import protoc

DATA = Path(__file__).parent / "data"


def compile_contract(folder: str) -> tuple[Any, Any]:
    """The modules with messages and stubs."""
    outputs = [f"--{kind}_out={folder}" for kind in ("python", "grpc_python")]
    well_known = Path(protoc.__file__).parent / "_proto"
    includes = [f"-I{DATA}", f"-I{well_known}"]
    assert protoc.main(["protoc", *includes, *outputs, "contract.proto"]) == 0
    sys.path.insert(0, folder)
    return importlib.import_module("contract_pb2"), importlib.import_module("contract_pb2_grpc")


def answer(stub: Any, request: Any) -> dict[str, Any]:
    """What came back: every message in its order."""
    found: dict[str, Any] = {"pieces": []}
    try:
        for message in stub.GenerateStream(request, timeout=60):
            assert "finish_reason" not in found, "finish details are the last message"
            if message.WhichOneof("type") == "token":
                found["pieces"].append(message.token.decode("utf-8"))  # whole characters
            else:
                details = message.finish_details
                found["finish_reason"] = details.finish_reason
                found["usage"] = [details.prompt_tokens, details.completion_tokens]
    except grpc.RpcError as error:
        found["error"] = [error.code().name, error.details()]  # type: ignore[attr-defined]
    return found


def main(address: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        messages, stubs = compile_contract(folder)
        with grpc.insecure_channel(address) as channel:
            stub = stubs.LlamaServiceStub(channel)
            for line in sys.stdin:
                request = json_format.Parse(line, messages.GenerateStreamRequest())
                print(json.dumps(answer(stub, request)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
