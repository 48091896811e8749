# SPDX-License-Identifier: AGPL-3.0-only
"""Chat in the terminal: `python examples/chat.py [MODEL]`. An empty line ends it."""

import sys

from sentiric_llama import Engine, SentiricLlamaError


def main(model: str = "guide") -> None:
    # One context is enough for one person; the library prints nothing by itself.
    with Engine.from_pretrained(model, contexts=1) as engine:
        history: list[dict[str, str]] = []
        while question := input("> ").strip():
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


if __name__ == "__main__":
    main(*sys.argv[1:])
