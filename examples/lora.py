# SPDX-License-Identifier: AGPL-3.0-only
"""Several LoRA adapters in one engine: `python examples/lora.py MODEL FOLDER [QUESTION]`.

FOLDER holds adapters as GGUF files that fit MODEL. The question is answered by the model alone and
with each adapter, all at the same time.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sentiric_llama import Engine, SamplingParams


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
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
