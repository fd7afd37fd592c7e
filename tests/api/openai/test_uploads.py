"""OpenAI's own client uploads, lists and finds files."""

from __future__ import annotations

from pathlib import Path

import openai
import pytest

from tests.api.jobs.test_files import LINES
from tests.blanks import Blank
from tests.openai_face import face_with
from tests.upstream import Upstream


def test_a_file_is_uploaded_by_openais_client(tmp_path: Path, blank: Blank, provider: Upstream) -> None:
    lines = tmp_path / "train.jsonl"
    lines.write_bytes(LINES)

    with face_with(tmp_path, blank, provider) as face, face.client() as client:
        made = client.files.create(file=lines, purpose="fine-tune")
        ours = client.files.create(
            file=("eval.jsonl", LINES),
            purpose="evaluation",  # type: ignore[arg-type] # one of ours, which it passes on
        )

        assert (made.filename, made.purpose, made.bytes) == ("train.jsonl", "distillation", len(LINES))
        assert [file.id for file in client.files.list()] == [made.id, ours.id]
        assert client.files.retrieve(ours.id).purpose == "evaluation"
        assert client.files.content(made.id).content == LINES
        with pytest.raises(openai.UnprocessableEntityError, match="must be one of"):
            client.files.create(file=lines, purpose="batch")
