"""One warm process that compares mathematics, begun at first use and begun anew once it was killed. What it makes of a
text is ted/grading/math_helper's affair."""

from __future__ import annotations

import atexit
import json
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

SECONDS = 5.0
"""Of processor time for one comparison: how busy the machine is decides nothing."""

PATIENCE = 24
"""Times SECONDS of the wall clock, after which a comparison is given up however little it computed."""

START_SECONDS = 120.0


class TookTooLong(Exception):
    """A comparison used up its time, or the memory; the process is gone."""


class MathProcess:
    """Compares one pair after the other. Thread-safe."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def compared(self, reference: str, answer: str) -> dict[str, Any]:
        """`{known, found, same}`, or `{error}` where it could not be done. Raises TookTooLong."""
        with self._lock:
            process = self._warm()
            assert process.stdin is not None
            try:
                process.stdin.write(json.dumps([reference, answer]) + "\n")
                process.stdin.flush()
                return self._told(process, PATIENCE * self._seconds)
            except (BrokenPipeError, TookTooLong):
                self._end()
                raise TookTooLong(f"more than {self._seconds:g} s") from None

    def close(self) -> None:
        """Ends the process; the next comparison begins another."""
        with self._lock:
            self._end()

    def _warm(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._end()
        helper = Path(__file__).with_name("math_helper.py")
        self._process = subprocess.Popen(
            # -P: beside the helper are modules with the names of packages
            [sys.executable, "-P", str(helper), str(self._seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for us
        )
        self._told(self._process, START_SECONDS)
        return self._process

    def _told(self, process: subprocess.Popen[str], seconds: float) -> dict[str, Any]:
        """Its next line. Raises TookTooLong where there comes none."""
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], seconds)
        line = process.stdout.readline() if ready else ""
        if not line:
            raise TookTooLong
        told: dict[str, Any] = json.loads(line)
        return told

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None


SHARED = MathProcess()
"""The one of this Python process."""

atexit.register(SHARED.close)
