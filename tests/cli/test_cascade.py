"""`ted ask --escalate`, `ted bank cascade`, and `ted distill --from-feedback` as they are typed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_jobs import Command
from tests.upstream import Upstream, running_upstream

ASKED = "Ticket s04 tells of an invoice at the canteen: which queue?"


@pytest.fixture(scope="module")
def provider() -> Iterator[Upstream]:
    with running_upstream("tests.desk_models:reply") as upstream:
        yield upstream


@pytest.fixture
def ted(tmp_path: Path, provider: Upstream) -> Command:
    made = Command(tmp_path, provider)
    made.run("bank", "create", "desk")
    return made


def test_a_question_is_escalated_by_an_option_or_by_the_bank(ted: Command) -> None:
    plain = ted.json("ask", "desk", ASKED)
    asked = ted.json("ask", "desk", ASKED, "--escalate", "on_disagreement")
    told = ted.run("ask", "desk", ASKED, "--escalate", "on_disagreement", "--samples", "4").stdout

    assert (plain["escalated"], plain["cascade"]) == (False, None)
    assert (asked["escalated"], asked["final_answer"]) == (True, "QX-445")
    assert asked["cascade"]["teacher"] == "openai/teacher"
    assert "openai/teacher answered: only 1 of 4 answers of the student agree" in told
    ted.run("bank", "cascade", "desk", "--escalate", "on_disagreement", "--threshold", "0.3")
    assert ted.json("ask", "desk", ASKED)["escalated"] is False
    assert "1 of 3 answers of the student agree" in ted.run("ask", "desk", ASKED).stdout


def test_a_banks_cascade_is_shown_and_changed(ted: Command) -> None:
    assert ted.json("bank", "cascade", "desk")["escalate"] == "never"

    ted.run("bank", "cascade", "desk", "--escalate", "on_disagreement", "--samples", "5")
    ted.run("bank", "cascade", "desk", "--harvest")

    assert ted.json("bank", "cascade", "desk") == {
        "escalate": "on_disagreement",
        "samples": 5,
        "threshold": 2 / 3,
        "harvest": True,
    }
    assert "--escalate is 'often'" in ted.run("bank", "cascade", "desk", "--escalate", "often", code=2).stderr
    ted.environment["TED_TEACHER"] = " "
    for words in (("bank", "cascade", "desk"), ("ask", "desk", ASKED)):
        refused = ted.run(*words, "--escalate", "on_disagreement", code=2)
        assert "no teacher is configured: set TED_TEACHER" in refused.stderr


def test_what_was_answered_wrong_is_distilled_once(ted: Command) -> None:
    words = ("distill", "desk", "--from-feedback", "--trajectories", "1", "--compress-every", "0")
    answer = ted.json("ask", "desk", ASKED)["id"]
    ted.run("feedback", "give", answer, "--wrong", "--reference", "QX-445")
    assert "has no answer to learn from" in ted.run(*words, code=3).stderr
    ted.run("feedback", "accept", "desk", answer)

    resting = ted.json(*words, "--budget-calls", "1", code=1)
    done = ted.json(*words)

    assert (resting["status"], done["id"], done["status"]) == ("paused", resting["id"], "succeeded")
    assert done["result"]["samples"] == 1
    ted.run(*words, code=3)
    assert "give a file of samples, or --from-feedback" in ted.run("distill", "desk", code=2).stderr
    assert "and not both" in ted.run(*words, str(ted.train), code=2).stderr


def test_what_a_cascade_harvested_is_distilled_and_marked(ted: Command) -> None:
    ted.run("bank", "cascade", "desk", "--escalate", "on_disagreement", "--harvest")
    assert ted.json("ask", "desk", ASKED)["harvested"] is True

    told = ted.run("distill", "desk", "--from-feedback", "--trajectories", "1").stdout

    assert "without a reference: 1 samples; for 0 the teacher's solutions disagree" in told
    assert [row["unlabelled"] for row in ted.json("experiences", "desk")] == [True]
