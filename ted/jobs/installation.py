"""What jobs need of an open TED. bootstrap's is one."""

from __future__ import annotations

from typing import Protocol

from index.protocols import ImageEmbedder, TextEmbedder
from ted.bank.bank import Bank
from ted.bank.caller import Caller
from ted.bank.calls import CallStore
from ted.bank.database import Database
from ted.bank.jobs import JobStore
from ted.bank.material import MaterialStore
from ted.chat import ChatModel
from ted.draining import Drain


class Installation(Protocol):
    """What making and running jobs needs of an open TED."""

    @property
    def database(self) -> Database: ...

    @property
    def text_embedder(self) -> TextEmbedder: ...

    @property
    def image_embedder(self) -> ImageEmbedder | None: ...

    @property
    def jobs(self) -> JobStore: ...

    @property
    def material(self) -> MaterialStore: ...

    @property
    def calls(self) -> CallStore: ...

    @property
    def caller(self) -> Caller: ...

    @property
    def drain(self) -> Drain: ...

    def bank(self, name: str) -> Bank:
        """The bank of this name or id, opened. Raises NotFound, StoreMismatch."""
        ...

    def student(self, name: str | None = None) -> ChatModel:
        """The model of this name, or the configured student."""
        ...

    def teacher(self, name: str | None = None) -> ChatModel:
        """The model of this name, or the configured teacher."""
        ...

    def judge(self, name: str | None = None) -> ChatModel | None:
        """The model of this name, or the configured judge; None where there is none: the teacher judges."""
        ...
