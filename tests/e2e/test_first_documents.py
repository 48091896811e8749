# SPDX-License-Identifier: AGPL-3.0-only
"""The HTTP examples that this service was first described with run as they were written."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

# Host and port as they were written; the test puts the server's own in their place.
WRITTEN_URL = "http://localhost:16070"

HEALTH = "curl http://localhost:16070/health"
HELLO = """\
curl -X POST http://localhost:16070/v1/chat/completions \\
  -H "Content-Type: application/json" \\
  -d '{
    "messages": [{"role": "user", "content": "Merhaba!"}],
    "stream": false,
    "max_tokens": 100
  }'"""
JSON_MODE = """\
curl -X POST http://localhost:16070/v1/chat/completions \\
  -H "Content-Type: application/json" \\
  -d '{
    "messages": [{"role": "user", "content": "Türkiye hakkında 3 bilgi ver"}],
    "response_format": {"type": "json_object"},
    "max_tokens": 200
  }'"""
HISTORY = """\
curl -X POST http://localhost:16070/v1/chat/completions \\
  -H "Content-Type: application/json" \\
  -d '{
    "messages": [
      {"role": "user", "content": "Başkent nedir?"},
      {"role": "assistant", "content": "Ankara"},
      {"role": "user", "content": "Nüfusu kaç?"}
    ],
    "max_tokens": 100
  }'"""


def curl(server: Any, line: str) -> Any:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    line = line.replace(WRITTEN_URL, server.url)
    done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=120, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("line", [HELLO, HISTORY], ids=["hello", "history"])
def test_a_conversation(guide: Any, line: str) -> None:
    answer = curl(guide, line)
    assert answer["choices"][0]["message"]["content"]
    assert answer["choices"][0]["finish_reason"] == "stop"


def test_json_mode(guide: Any) -> None:
    choice = curl(guide, JSON_MODE)["choices"][0]
    text = choice["message"]["content"]
    assert text.lstrip().startswith("{")
    if choice["finish_reason"] == "stop":
        assert isinstance(json.loads(text), dict)


def test_health(guide: Any) -> None:
    answer = curl(guide, HEALTH)
    assert answer["status"] == "healthy" and answer["model_ready"] is True
    assert set(answer["capacity"]) >= {"active", "total", "available", "has_capacity"}
    assert answer["service"] == "sentiric-llm-llama-service"
    assert isinstance(answer["timestamp"], int)


def test_rag_in_python(guide: Any) -> None:
    import requests

    document_text = "Bu doküman kedilerin bakımı hakkındadır."
    response = requests.post(
        f"{guide.url}/v1/chat/completions",
        json={
            "messages": [
                {
                    "role": "system",
                    "content": "Sadece verilen bağlama göre cevap ver.\n\nBağlam:\n"
                    + document_text,
                },
                {"role": "user", "content": "Doküman hangi konuda?"},
            ],
            "temperature": 0.3,
            "max_tokens": 500,
        },
        timeout=60,
    )
    assert response.status_code == 200
    assert response.json()["choices"][0]["message"]["content"]
