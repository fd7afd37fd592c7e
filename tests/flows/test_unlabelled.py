"""Samples without a reference: what stands in for it, what such a sample may do to the bank, and what it never counts as."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import select

from ted.bank.caller import DEFAULT_CALLER
from ted.bank.changes import Change
from ted.bank.job_listings import JobListings
from ted.bank.job_tables import CallRow, SolutionRow, TrajectoryRow
from ted.bank.listings import Listings
from ted.bank.pages import Page
from ted.bank.tables import ExposureRow, HistoryRow
from ted.bank.usage import usage_of
from ted.chat import ScriptedChat
from ted.errors import BadInput
from ted.evaluation.options import Options as Evaluating
from ted.jobs.distillation import Options
from ted.jobs.estimate import estimate_distillation
from ted.jobs.evaluation import EvaluationRunner
from ted.operations import Merge, Rewrite
from ted.sample import Exact, Judge, Question, Sample
from ted.settings import Budget
from tests.scripted import Bench, Call, add, attempt, critique, remove, result, rewrite, roles, skips
from tests.stores import added, apply

BADGE = Sample("badge", Question("Where do I report a lost badge?"), "", Exact(), unlabelled=True)
CRATES = Sample("crates", Question("How many crates fit on one pallet?"), "", Exact(), unlabelled=True)
LESSON = add("A badge was lost", "Lost badges are reported at desk QX-417.")
SEEN = replace(BADGE, id="seen", answer="desk QX-417", unlabelled=False)

pytestmark = pytest.mark.each_store


def disagreeing(bench: Bench, *answers: str) -> None:
    """A student that knows nothing, and a teacher whose solutions are these."""
    bench.student = {"student": attempt("reception")}
    bench.teacher = {
        "solve": lambda call: attempt(answers[call.number]),
        "critique": critique(LESSON),
    }


async def test_the_answer_of_most_solutions_stands_in_and_all_that_comes_of_it_is_marked(
    bench: Bench,
) -> None:
    disagreeing(bench, "desk QX-471", "desk QX-417", "Desk QX-417.")

    job = await bench.distil(BADGE)

    assert Counter(roles(bench.large)) == {"solve": 3, "critique": 1}
    assert {(r.temperature, r.call_key[-1]) for r in bench.large.requests if ":solve:" in r.call_key} == {
        (0.0, "0"),
        (0.7, "1"),
        (0.7, "2"),
    }
    assert "Reference answer: desk QX-417" in bench.large.requests[-1].messages[1].text
    told = result(job)
    assert (told["unlabelled"], told["no_majority"], told["operations"]) == (1, 0, {"add": 1})
    assert (told["teacher_solved"], told["rationalised"], told["student_correct"]) == (0, 0, 0.0)
    (experience,) = bench.bank.experiences()
    database = bench.store.database
    with database.reading() as session:
        assert all(session.scalars(select(TrajectoryRow.unlabelled)))
        assert session.scalars(select(SolutionRow.unlabelled)).one()
        assert session.scalars(select(HistoryRow)).one().provenance["unlabelled"] is True
    (item,) = JobListings(database, DEFAULT_CALLER).items(job.id, Page(10)).data
    assert (item.unlabelled, item.stand_in, item.correct) == (True, "desk QX-417", 0.0)
    assert Listings(database, DEFAULT_CALLER).experience(bench.bank.id, experience.id).unlabelled
    assert bench.store.jobs.samples(job.id) == [BADGE]


async def test_without_a_majority_nothing_is_attempted_and_that_is_counted_and_told(bench: Bench) -> None:
    disagreeing(bench, "desk 1", "desk 2", "desk 3")

    job = await bench.distil(BADGE)

    assert (job.status, bench.small.requests, bench.bank.experiences()) == ("succeeded", [], [])
    assert skips(job) == [("badge", "no_majority")]
    assert "desk 1 | desk 2 | desk 3" in result(job)["skipped"][0]["detail"]
    assert (result(job)["no_majority"], result(job)["items"]["completed"]) == (1, 1)
    (item,) = JobListings(bench.store.database, DEFAULT_CALLER).items(job.id, Page(10)).data
    assert (item.status, item.correct, item.stand_in) == ("no_majority", None, None)


async def test_solutions_that_cannot_be_read_are_no_votes(bench: Bench) -> None:
    bench.student = {}
    bench.teacher = {"solve": lambda call: attempt("desk 1") if call.number == 0 else "no JSON"}

    job = await bench.distil(BADGE)

    assert skips(job) == [("badge", "unparsable_solution")] * 2 + [("badge", "no_majority")]


async def test_votes_are_compared_as_numbers_where_they_are_numbers(bench: Bench) -> None:
    bench.student = {"student": attempt("48")}
    bench.teacher = {"solve": lambda call: attempt(("50", "48 crates", "48.0")[call.number])}

    job = await bench.distil(CRATES)

    assert (skips(job), result(job)["items"]["skipped"]) == ([], 1)


async def test_a_judge_compares_votes_where_the_sample_says_so(bench: Bench) -> None:
    def same(call: Call) -> str:
        texts = call.request.messages[1].text
        return json.dumps({"same": "30 days" in texts and "a month" in texts})

    bench.student = {"student": attempt("a month")}
    bench.teacher = {
        "solve": lambda call: attempt(("a week", "30 days", "a month")[call.number]),
        "judge-vote": same,
        "judge": same,
    }

    job = await bench.distil(replace(BADGE, grader=Judge()))

    assert Counter(roles(bench.large)) == {"solve": 3, "judge-vote": 3, "judge": 2}
    assert result(job)["items"]["skipped"] == 1


async def test_what_the_teacher_said_before_is_a_vote(bench: Bench) -> None:
    disagreeing(bench, "desk QX-471", "desk QX-417")

    job = await bench.distil(replace(BADGE, answer="desk QX-417"))

    assert Counter(roles(bench.large))["solve"] == 2
    assert result(job)["operations"] == {"add": 1}


async def test_later_epochs_have_the_same_stand_in_and_ask_for_no_vote_again(bench: Bench) -> None:
    disagreeing(bench, "desk QX-417", "desk QX-417", "desk 1")

    job = await bench.distil(BADGE, options=Options(trajectories=2, epochs=2))

    assert Counter(roles(bench.large))["solve"] == 3
    items = JobListings(bench.store.database, DEFAULT_CALLER).items(job.id, Page(10)).data
    assert [item.stand_in for item in items] == ["desk QX-417"] * 2


async def test_outcomes_against_a_stand_in_are_no_evidence(bench: Bench) -> None:
    known = await added(bench.bank, "A badge was lost", "Ask at the reception.", "Who has found a badge?")
    bench.student = {"student": attempt("reception", used=["E1"])}
    bench.teacher = {"solve": attempt("desk QX-417"), "critique": critique(E1="harmful")}

    await bench.distil(BADGE, options=Options(trajectories=2, epochs=2))

    with bench.store.database.reading() as session:
        exposures = session.scalars(select(ExposureRow)).all()
        usage = usage_of(session, bench.bank.id)[known.id]
    assert [(e.shown, e.outcome, e.verdict) for e in exposures] == [(True, None, "harmful")] * 2
    assert (usage.retrieved, usage.cited, usage.shown_correct, usage.shown_wrong) == (2, 2, 0.0, 0.0)
    assert (usage.shown_weight, usage.withheld) == (0.0, 0)


async def test_a_text_with_a_reference_behind_it_is_not_touched(bench: Bench) -> None:
    disagreeing(bench, "desk QX-417", "desk QX-417", "desk QX-417")
    await bench.distil(SEEN, options=Options(trajectories=1))
    (vouched,) = bench.bank.experiences()
    bench.teacher["critique"] = critique(
        remove("E1"), rewrite("E1", "A badge", "Go to desk QX-417, the blue one.")
    )
    bench.teacher["sharpen"] = json.dumps({"when_to_use": "A badge was lost", "content": "-"})

    job = await bench.distil(BADGE)

    assert skips(job) == [("badge", "unlabelled")] * 2
    assert bench.bank.experiences() == [vouched]


async def test_a_reference_that_says_the_same_takes_the_mark_away(bench: Bench) -> None:
    disagreeing(bench, "desk QX-417", "desk QX-417", "desk QX-417")
    await bench.distil(BADGE)
    (experience,) = bench.bank.experiences()
    assert bench.bank.unlabelled_among([experience.id]) == {experience.id}

    other = replace(SEEN, question=Question("My badge is lost: where do I report that?"))
    await bench.distil(other)

    (same,) = bench.bank.experiences()
    assert (same.id, same.content) == (experience.id, experience.content)
    assert bench.bank.unlabelled_among([experience.id]) == set()


async def test_twins_of_a_batch_are_marked_only_where_both_are(bench: Bench) -> None:
    disagreeing(bench, "desk QX-417", "desk QX-417", "desk QX-417")

    await bench.distil(BADGE, replace(SEEN, question=Question("Who takes in lost badges here?")))

    (experience,) = bench.bank.experiences()
    assert bench.bank.unlabelled_among([experience.id]) == set()


async def test_texts_made_of_marked_ones_alone_are_marked(bench: Bench) -> None:
    disagreeing(bench, "desk QX-417", "desk QX-417", "desk QX-417")
    await bench.distil(BADGE)
    (one,) = bench.bank.experiences()
    other = await added(bench.bank, "A bike was lost", "Bikes go to the yard.")

    await apply(bench.bank, Change(Rewrite(one.id, "A badge is gone", "Desk QX-417 takes it.")))
    assert bench.bank.unlabelled_among([one.id, other.id]) == {one.id}

    await apply(
        bench.bank, Change(Merge((one.id, other.id), "Something was lost", "Badges: QX-417; bikes: yard."))
    )
    (merged,) = bench.bank.experiences()
    assert bench.bank.unlabelled_among([merged.id]) == set()


async def test_a_gate_has_no_trials_on_a_stand_in_so_that_what_it_adds_waits(bench: Bench) -> None:
    disagreeing(bench, "desk QX-417", "desk QX-417", "desk QX-417")

    await bench.distil(BADGE, options=Options(trajectories=2, gate="sample"))

    assert set(roles(bench.small)) == {"student"}
    (waiting,) = bench.bank.experiences(status=None)
    assert waiting.status == "candidate"
    gate = bench.bank.gate_of(waiting.id)
    assert gate is not None
    assert (gate["outcome"], gate["pairs"]) == ("candidate", 0)


async def test_a_run_that_goes_on_pays_for_no_vote_twice(bench: Bench) -> None:
    disagreeing(bench, "desk QX-417", "desk QX-417", "desk 1")
    resting = await bench.distil(BADGE, budget=Budget(calls=4))
    assert (resting.status, len(bench.large.requests), len(bench.small.requests)) == ("paused", 3, 1)

    job = await bench.distil(BADGE, budget=Budget())

    assert (job.id, job.status) == (resting.id, "succeeded")
    assert roles(bench.large) == ["critique"]
    with bench.store.database.reading() as session:
        keys = session.scalars(
            select(CallRow.call_key).where(CallRow.role == "solve").order_by(CallRow.call_key)
        )
        assert list(keys) == [f"{job.id}:0:badge:solve:{n}" for n in range(3)]


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_the_latencies_the_same_comes_of_it(bench: Bench, seed: int) -> None:
    """Three questions of which the teacher knows one, believes one, and knows nothing of the third."""
    draws = random.Random(seed)

    async def late(text: str) -> str:
        await asyncio.sleep(draws.uniform(0, 0.02))
        return text

    said = {"badge": "desk QX-417", "crates": "48"}
    bench.student = {"student": lambda call: late(attempt("48" if call.sample == "crates" else "no idea"))}
    bench.teacher = {
        "solve": lambda call: late(attempt(said.get(call.sample, f"guess {call.number}"))),
        "critique": lambda call: late(critique(LESSON)),
    }
    nobody = replace(BADGE, id="nobody", question=Question("Who has the key of the yard?"))

    job = await bench.distil(nobody, CRATES, BADGE)

    assert skips(job) == [("nobody", "no_majority")]
    assert [(e.when_to_use, len(e.keys)) for e in bench.bank.experiences()] == [("A badge was lost", 2)]
    with bench.store.database.reading() as session:
        keys = session.scalars(select(CallRow.call_key).order_by(CallRow.call_key)).all()
    heads = Counter(key.removeprefix(f"{job.id}:0:").rsplit(":", 1)[0] for key in keys)
    assert heads == {
        "badge:critique": 1,
        "badge:solve": 3,
        "badge:student": 2,
        "crates:solve": 3,
        "crates:student": 2,
        "nobody:solve": 3,
    }


def test_an_estimate_knows_of_the_votes(bench: Bench) -> None:
    models = {role: ScriptedChat(lambda request: "", name=role) for role in ("student", "teacher")}

    estimate = estimate_distillation(bench.bank, [BADGE], Options(trajectories=2, epochs=2), **models)

    asked = {role.role: (role.expected.calls, role.upper.calls) for role in estimate.roles}
    assert asked["solve"] == (3, 9)
    assert "explain" not in asked
    judged = estimate_distillation(bench.bank, [replace(BADGE, grader=Judge())], Options(), **models)
    assert {r.role: r.expected.calls for r in judged.roles}["judge"] == 3 + 5


async def test_no_evaluation_takes_them_and_no_demonstration_shows_them(bench: Bench) -> None:
    disagreeing(bench, "desk QX-417", "desk QX-417", "desk 1")
    await bench.distil(BADGE)
    runner = EvaluationRunner(
        bench.bank, jobs=bench.store.jobs, material=bench.store.material, calls=bench.store.calls
    )

    with pytest.raises(BadInput, match=r"1 of the samples have no reference answer \(badge\)"):
        runner.create([BADGE], Evaluating(("none",)), student="small", teacher="large")
    assert (await bench.bank.demonstrated(BADGE.question)).demonstrations == ()
    with pytest.raises(BadInput, match="training sample badge"):
        runner.create([SEEN], Evaluating(("none",)), student="small", teacher="large")
