"""The command `ted`, as a process that tells at its end which heavy libraries it has imported."""

from __future__ import annotations

import atexit
import sys

from ted.cli.main import app

HEAVY = (
    "torch",
    "torchvision",
    "transformers",
    "sentence_transformers",
    "open_clip",
    "litellm",
    "onnx",
    "onnxruntime",
    "tokenizers",
)


def _tell() -> None:
    sys.stdout.write("imported: " + " ".join(name for name in HEAVY if name in sys.modules) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    atexit.register(_tell)
    app()
