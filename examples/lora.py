# SPDX-License-Identifier: AGPL-3.0-only
"""Use several LoRA adapters in one engine.

The model alone and each adapter of the folder answer the question, all at the same time.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sentiric_llama import Engine, SamplingParams, SentiricLlamaError


def main(model: str, folder: str, question: str = "Who are you?") -> None:
    names = sorted(path.stem for path in Path(folder).glob("*.gguf"))
    if not names:
        sys.exit(f"no adapters in {folder}")
    with Engine.from_pretrained(model, lora_dir=folder, context_size=1024) as engine:

        def ask(adapter: str | None) -> str:
            # The number is the adapter's scale. Prefixes are cached for each set of adapters.
            uses = [(adapter, 1.0)] if adapter else []
            messages = [{"role": "user", "content": question}]
            greedy = SamplingParams(temperature=0)
            return engine.chat(messages, greedy, adapters=uses, max_tokens=40).text

        # An engine is shared between threads; the requests run in its contexts side by side.
        with ThreadPoolExecutor() as pool:
            for name, text in zip(["", *names], pool.map(ask, [None, *names]), strict=True):
                print(f"--- {name or 'model alone'}\n{text}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a path or org/repo[:QUANT]")
    parser.add_argument("folder", help="with adapters as GGUF files that fit the model")
    parser.add_argument("question", nargs="?", default="Who are you?")
    try:
        main(**vars(parser.parse_args()))
    except SentiricLlamaError as error:
        sys.exit(str(error))
