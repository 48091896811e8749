# SPDX-License-Identifier: AGPL-3.0-only
"""Chat in the terminal. An empty line or Ctrl-D ends it, Ctrl-C stops an answer."""

import argparse
import sys
from collections.abc import Iterator

from sentiric_llama import Engine, SentiricLlamaError


def main(model: str = "guide") -> None:
    # One context is enough for one person; the library prints nothing by itself.
    with Engine.from_pretrained(model, contexts=1) as engine:
        history: list[dict[str, str]] = []
        for question in questions():
            history.append({"role": "user", "content": question})
            answer = ""
            try:
                # Leaving this block early, also by Ctrl-C, cancels the request in the engine.
                with engine.stream_chat(history, max_tokens=500) as stream:
                    for delta in stream:
                        answer += delta.text
                        print(delta.text, end="", flush=True)
            except KeyboardInterrupt:
                print(" (stopped)", end="")
            except SentiricLlamaError as error:
                print(error, end="")
            print()
            # The next request repeats the conversation; its prefix is still in the KV cache.
            history.append({"role": "assistant", "content": answer})


def questions() -> Iterator[str]:
    try:
        while question := input("> ").strip():
            yield question
    except (EOFError, KeyboardInterrupt):
        print()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="guide", help="a path or org/repo[:QUANT]")
    try:
        main(**vars(parser.parse_args()))
    except SentiricLlamaError as error:
        sys.exit(str(error))
