"""What of a machine bears on its figures: cores, instructions, versions; neither its name nor its folders."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

_LIBRARIES = ("onnxruntime", "tokenizers", "numpy", "faiss-cpu", "torch", "sentence-transformers", "fastapi")
_CLASSES = ("avx512f", "avx2", "avx", "asimd")


def facts() -> list[str]:
    """One line each."""
    return [
        f"{len(os.sched_getaffinity(0))} cores, {platform.machine()}, {_instructions()}; one thread a library",
        f"{platform.system()}, Python {platform.python_version()}",
        ", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
    ]


def load() -> str:
    """How busy the machine is: processes that want to run, over the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def _instructions() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    words = set(cpuinfo.read_text(encoding="utf-8").split()) if cpuinfo.exists() else set()
    widest = next((name for name in _CLASSES if name in words), None)
    return {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "asimd": "NEON"}.get(widest or "", "unknown")
