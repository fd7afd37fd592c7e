"""An ONNX Runtime session as we want it, and its import; what goes in and comes out is the models' affair."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def open_session(model: Path, *, threads: int) -> Any:
    """On the CPU, with `threads` for one operator and one operator at a time; idle threads do not spin."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # its warnings are about the graph, not about anything a user did
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
