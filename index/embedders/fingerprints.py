"""What tells one set of weights from another: a short hash of a model's folder, or of the model once it is loaded."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

_SHAPING = {".json", ".txt", ".model", ".safetensors", ".bin", ".pt", ".pth"}
_OTHER_RUNTIMES = {"onnx", "openvino"}  # the same weights again


def of_folder(folder: Path) -> str:
    """16 hex digits over names and contents of the files that shape a vector: weights, settings, vocabulary."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts)
        if (
            path.suffix in _SHAPING
            and path.is_file()
            and not hidden
            and inside.parts[0] not in _OTHER_RUNTIMES
        ):
            with path.open("rb") as file:
                contents = hashlib.file_digest(file, "sha256").digest()
            digest.update(f"{inside.as_posix()}\0".encode() + contents)
    return digest.hexdigest()[:16]


def of_weights(model: Any) -> str:
    """16 hex digits over the names and contents of a torch module's tensors."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.detach().cpu().contiguous().float().numpy())
    return digest.hexdigest()[:16]
