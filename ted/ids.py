"""Ids that carry their kind and sort by the time they were made: `exp_01jd...`. What they name is others' affair."""

from __future__ import annotations

import secrets
import threading
import time
from typing import Literal

Kind = Literal["proj", "key", "bank", "exp", "job", "ans", "file", "held"]

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_lock = threading.Lock()
_last = 0


def new_id(kind: Kind) -> str:
    """48 bits of milliseconds and 80 of chance, in base 32; within a process each is greater than the one before."""
    global _last
    with _lock:
        _last = max(_last + 1, (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80))
        value = _last
    return f"{kind}_" + "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))
