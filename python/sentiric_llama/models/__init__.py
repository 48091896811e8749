# SPDX-License-Identifier: AGPL-3.0-only
"""The model store: from a model's name to a verified local file.

`reference` parses names, `store` downloads files, `gguf.rules` checks them before native code reads
them, `inventory` lists and removes them. Every call blocks; the import is cheap.
"""

from sentiric_llama.gguf.rules import check_model
from sentiric_llama.models.adapters import AdapterFiles
from sentiric_llama.models.choice import choose_files, shard_names
from sentiric_llama.models.find import (
    ModelFile,
    check_local,
    find_model,
    is_local,
    open_guide,
    open_local,
    pull,
    resolve,
    wanted_draft,
    wanted_model,
)
from sentiric_llama.models.reference import GUIDE_NAME, GUIDE_NAMES, HubFile, Url

__all__ = [
    "GUIDE_NAME",
    "GUIDE_NAMES",
    "AdapterFiles",
    "HubFile",
    "ModelFile",
    "Url",
    "check_local",
    "check_model",
    "choose_files",
    "find_model",
    "is_local",
    "open_guide",
    "open_local",
    "pull",
    "resolve",
    "shard_names",
    "wanted_draft",
    "wanted_model",
]
