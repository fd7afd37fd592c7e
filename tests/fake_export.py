"""An export without a model, as a process: does what it is told, and notes in a file that it ran."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from index.embedders.export_facts import UNAVAILABLE, Unsuited, write_facts, write_refusal


def main() -> int:
    """Arguments: what to do, the file of notes, the folder to export into."""
    what, notes, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    with notes.open("a") as file:
        file.write(f"{what}\n")
    match what:
        case "unavailable":
            sys.stdout.write("the model is nowhere\n")
            return UNAVAILABLE
        case "die":
            raise MemoryError("no memory is left")
        case "refuse":
            (folder / "model.onnx").write_bytes(b"half")
            write_refusal(folder, fingerprint="fake@1", error=Unsuited("its module Fancy is not known here"))
        case _:
            time.sleep(0.3)  # long enough for another to come
            (folder / "model.onnx").write_bytes(b"weights")
            write_facts(folder, fingerprint="fake@1", dimension=3)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
