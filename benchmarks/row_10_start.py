"""Row 10: from the command `ted serve` to its first retrieval, beside the import of sentence-transformers."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measures import Effort, Measure
from benchmarks.questions import text_of
from benchmarks.served import fill, retrieve, served
from benchmarks.timing import interleaved

NUMBER = 10
TITLE = "Start of the service"

_IMPORT = "import sentence_transformers"


def measure(effort: Effort) -> list[Measure]:
    with tempfile.TemporaryDirectory() as folder:
        with served(Path(folder), effort.models_dir) as client:
            fill(client, min(effort.experiences, 10))
            retrieve(client, "so that all is there that a later start finds")

        def start(turn: int) -> None:
            with served(Path(folder), effort.models_dir) as client:
                retrieve(client, text_of(16, turn))

        us, peer = interleaved(
            start,
            lambda turn: subprocess.run([sys.executable, "-c", _IMPORT], check=True),
            times=effort.starts,
        )
    return [Measure("to the first answer of /retrieve", f"`{_IMPORT}`", us, peer, "s", 0.5)]
