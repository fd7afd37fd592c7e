"""A ChatModel over a model that runs in this process; retries and the wire are ted/litellm_chat's affair."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from ted.chat import ChatRequest, Reply
from ted.errors import ModelFileUnavailable, ModelRefused
from ted.litellm_chat import LitellmChat
from ted.local_models.catalogue import LocalModel
from ted.local_models.pull import pulled
from ted.local_models.server import LocalServer, ServerOptions
from ted.sample import Image


class LocalChat:
    """A ChatModel that loads its model on the first call, in seconds; the file must have been pulled.

    Chats of one process that name the same file with the same options share one loaded model.
    """

    def __init__(
        self,
        model: LocalModel,
        *,
        models_dir: Path,
        options: ServerOptions | None = None,
        timeout: float = 600,
    ) -> None:
        self._model, self._models_dir = model, models_dir
        self._options, self._timeout = options or ServerOptions(context=model.context), timeout
        self._loading = threading.Lock()
        self._chat: LitellmChat | None = None

    @property
    def name(self) -> str:
        return f"local/{self._model.name}"

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Nothing, however many tokens."""
        return 0.0

    async def complete(self, request: ChatRequest) -> Reply:
        """The model's reply. Raises ModelFileUnavailable where there is no file, ModelRefused on images."""
        if any(isinstance(part, Image) for message in request.messages for part in message.parts):
            raise ModelRefused(f"model '{self.name}' reads text only: use a model that sees for images")
        return await (await self.loaded()).complete(request)

    async def loaded(self) -> LitellmChat:
        """The chat with the model, once it is loaded. Raises ModelFileUnavailable."""
        chat = self._chat
        return chat if chat is not None else await asyncio.to_thread(self._load)

    async def aclose(self) -> None:
        """Leave the model; it is unloaded when the last chat of this process has left it."""
        with self._loading:
            chat, self._chat = self._chat, None
        if chat is not None:
            await asyncio.to_thread(_SERVERS.leave, self._model, self._models_dir, self._options)

    def _load(self) -> LitellmChat:
        with self._loading:
            if self._chat is None:
                server = _SERVERS.join(self._model, self._models_dir, self._options)
                self._chat = LitellmChat(
                    f"openai/{self._model.name}",
                    api_base=server.start(),
                    api_key=server.api_key,
                    concurrency=self._options.slots,
                    timeout=self._timeout,
                    served_name=self.name,
                    usd_free=True,
                )
            return self._chat


class _Servers:
    """The servers of this process, each with how many chats use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[tuple[Path, ServerOptions], tuple[LocalServer, int]] = {}

    def join(self, model: LocalModel, models_dir: Path, options: ServerOptions) -> LocalServer:
        """The model's server, started. Raises ModelFileUnavailable."""
        with self._lock:
            path = pulled(model, models_dir=models_dir)
            if path is None:
                raise ModelFileUnavailable(
                    f"'{model.filename}' is not whole under '{models_dir}': "
                    f"run `ted models pull {model.name}` ({model.size / 1e6:.0f} MB)"
                )
            fresh = LocalServer(path, name=model.name, options=options)
            server, users = self._running.get((path, options), (fresh, 0))
            server.start()
            self._running[path, options] = (server, users + 1)
            return server

    def leave(self, model: LocalModel, models_dir: Path, options: ServerOptions) -> None:
        """One chat fewer uses it; without users it stops."""
        with self._lock:
            key = (models_dir / model.filename, options)
            server, users = self._running.pop(key)
            if users > 1:
                self._running[key] = (server, users - 1)
            else:
                server.stop()


_SERVERS = _Servers()
