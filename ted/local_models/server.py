"""Serves a GGUF file from this process in OpenAI's HTTP shape on loopback; asking is chat's affair."""

from __future__ import annotations

import gc
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ted.errors import ModelFileUnavailable

CACHE_MIB = 256
"""Memory for what was computed of prompts whose slots moved on: a distillation asks in turn for what begins differently."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a model is run. `context` is the tokens of prompt and completion of one of `parallel` slots.

    Prompts that begin alike share work, and slots are computed in one batch. Both change floating-point sums
    a little, so one request may be answered differently at another time, even at temperature 0.
    `reproducible` gives that up: one slot and no cache, hence the same answer whatever else is asked and in
    whatever order, at some 0.6 of the speed.
    """

    threads: int = 1
    parallel: int = 4
    context: int = 4096
    reproducible: bool = False

    @property
    def slots(self) -> int:
        return 1 if self.reproducible else self.parallel


class LocalServer:
    """One model, in memory (some 1.7 times its file) from `start`, which takes seconds, to `stop`.

    Asking needs `api_key`, made for this server alone: web pages and other users reach loopback too.
    """

    def __init__(self, path: Path, *, name: str, options: ServerOptions) -> None:
        self._path, self._name, self._options = path, name, options
        self._server: Any = None
        self._lock = threading.Lock()
        self.api_key = secrets.token_urlsafe(24)

    def start(self) -> str:
        """The `api_base` to ask at; the same one if it runs already. Raises ModelFileUnavailable."""
        with self._lock:
            if self._server is None:
                self._server = self._load()
            return f"{self._server.listening_address}/v1"

    def stop(self) -> None:
        """End the server and free its memory; waits for the answers that are being written."""
        with self._lock:
            self._server = None
            gc.collect()  # the server ends when its object does

    def _load(self) -> Any:
        if not self._path.is_file():
            raise ModelFileUnavailable(f"'{self._path}' is not a file: pull '{self._name}' first")
        try:
            import xllamacpp
        except ImportError as error:
            raise ModelFileUnavailable(
                f"'{self._name}' needs xllamacpp to run: install ted-experience with its extra `local`"
            ) from error
        try:
            return xllamacpp.Server(self._parameters(xllamacpp.CommonParams()))
        except RuntimeError as error:
            raise ModelFileUnavailable(
                f"'{self._path}' could not be loaded as '{self._name}' ({error}): "
                "free some memory, or remove the file and pull it again"
            ) from error

    def _parameters(self, params: Any) -> Any:
        options = self._options
        params.model.path = str(self._path)
        params.model_alias = {self._name}
        params.hostnames, params.port, params.api_keys = ["127.0.0.1"], 0, [self.api_key]
        params.verbosity, params.ui, params.endpoint_slots = -1, False, False
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
        params.n_gpu_layers, params.fit_params = 0, False
        params.n_parallel, params.n_ctx = options.slots, options.slots * options.context
        params.cache_prompt = not options.reproducible
        params.cache_ram_mib = 0 if options.reproducible else CACHE_MIB
        return params
