"""Exports of models: made once, whole or not there, and what is said where there is none."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from index.embedders import export_facts
from index.embedders.exports import Export, Exports
from index.errors import EmbedderUnavailable


@dataclass
class Kept:
    """A folder of exports, and notes of the processes that ran."""

    folder: Path
    notes: Path
    known: str | None = "fake@1"

    def exports(self, what: str = "export", key: Callable[[], str | None] | None = None) -> Exports:
        return Exports(
            self.folder,
            label="fake:model",
            key=key or (lambda: self.known),
            module="tests.fake_export",
            arguments=(what, str(self.notes)),
        )

    @property
    def runs(self) -> list[str]:
        return self.notes.read_text().split() if self.notes.exists() else []

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path.is_dir())


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "onnx", tmp_path / "notes")


def folder_of(export: Export) -> Path:
    return export.folder


def test_an_export_is_made_once_and_found_again(kept: Kept) -> None:
    first = kept.exports().served(folder_of)
    again = kept.exports().served(folder_of)

    assert first == again
    assert first is not None
    assert (first / "model.onnx").read_bytes() == b"weights"
    assert kept.runs == ["export"]


def test_those_who_want_an_export_at_once_make_it_once(kept: Kept) -> None:
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: kept.exports().served(folder_of), range(4)))

    assert len(set(found)) == 1
    assert kept.runs == ["export"]


def test_a_damaged_export_is_made_anew(kept: Kept) -> None:
    folder = kept.exports().served(folder_of)
    assert folder is not None

    (folder / "model.onnx").write_bytes(b"wei")
    mended = kept.exports().served(folder_of)

    assert mended == folder
    assert (folder / "model.onnx").read_bytes() == b"weights"


def test_what_a_process_left_that_died_at_an_export_is_cleared_away(kept: Kept) -> None:
    left = kept.folder / ".fake-model.left"
    left.mkdir(parents=True)
    (left / "model.onnx").write_bytes(b"ha")

    kept.exports().served(folder_of)

    assert kept.names == ["fake-1"]


def test_a_model_that_is_refused_is_left_to_torch_with_the_reason(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    found = [kept.exports("refuse").served(folder_of) for _ in range(2)]

    assert found == [None, None]
    assert kept.runs == ["refuse"]
    assert "fake:model is served by torch" in caplog.text
    assert "its module Fancy is not known here" in caplog.text


def test_a_refusal_is_looked_into_again_once_something_was_upgraded(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.exports("refuse").served(folder_of)

    monkeypatch.setattr(export_facts, "made_by", lambda: {"torch": "99"})
    kept.exports("refuse").served(folder_of)

    assert kept.runs == ["refuse", "refuse"]


def test_an_export_that_dies_is_left_to_torch_and_tried_again_next_time(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    died = kept.exports("die").served(folder_of)

    assert died is None
    assert "MemoryError: no memory is left" in caplog.text
    assert kept.names == []
    assert kept.exports().served(folder_of) is not None


def test_a_model_that_is_nowhere_is_an_error_rather_than_a_case_for_torch(kept: Kept) -> None:
    with pytest.raises(EmbedderUnavailable, match="the model is nowhere"):
        kept.exports("unavailable").served(folder_of)


def test_an_export_is_named_once_its_model_was_loaded(kept: Kept) -> None:
    def key() -> str | None:
        return "fake@2" if kept.runs else None

    found = kept.exports(key=key).served(folder_of)

    assert found == kept.folder / "fake-2"


def test_an_export_that_cannot_be_named_or_loaded_is_left_to_torch(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    def damaged(export: Export) -> Path:
        raise ValueError("not a graph")

    nameless = kept.exports(key=lambda: None).served(folder_of)
    unreadable = kept.exports().served(damaged)

    assert nameless is None
    assert unreadable is None
    assert "cannot be told" in caplog.text
    assert "ValueError: not a graph" in caplog.text


def test_a_folder_that_cannot_be_written_is_left_to_torch(
    kept: Kept, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "onnx").write_text("a file")

    assert kept.exports().served(folder_of) is None
    assert "served by torch" in caplog.text
