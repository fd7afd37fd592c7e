"""`ted feedback`: answers graded, references listed, accepted and rejected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_jobs import Command
from tests.upstream import Upstream, running_upstream


@pytest.fixture(scope="module")
def provider() -> Iterator[Upstream]:
    with running_upstream("tests.desk_models:reply") as upstream:
        yield upstream


def test_feedback_is_given_listed_accepted_and_rejected(tmp_path: Path, provider: Upstream) -> None:
    ted = Command(tmp_path, provider)
    ted.run("bank", "create", "desk")
    answer = ted.json("ask", "desk", "Ticket s01: which queue?")["id"]

    given = ted.json("feedback", "give", answer, "--wrong", "--reference", "FX-31", "--comment", "no")

    assert (given["score"], given["reference"], given["accepted"]) == (0.0, "FX-31", None)
    assert ted.json("feedback", "list", "desk", "--unreviewed") == [given]
    assert ted.json("feedback", "accept", "desk", answer)["accepted"] is True
    assert ted.json("feedback", "list", "desk", "--unreviewed") == []
    assert ted.json("feedback", "reject", "desk", answer)["accepted"] is False
    assert ted.json("feedback", "give", answer, "--score", "0.5")["score"] == 0.5
    for words in (
        ("give", answer),
        ("give", answer, "--correct", "--score", "1"),
        ("give", answer, "--score", "2"),
        ("give", answer, "--correct", "--reference", " "),
        ("give", "ans_nobody", "--correct"),
        ("accept", "desk", answer),  # the reference went with what was said last
        ("reject", "nobody", answer),
    ):
        assert "error:" in ted.run("feedback", *words, code=2).output
