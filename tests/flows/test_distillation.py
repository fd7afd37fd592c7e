"""A distillation from end to end with scripted models: what comes into the bank, and what is kept of the way there."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from ted.bank.changes import Change
from ted.bank.job_tables import CritiqueRow, ItemRow, SolutionRow, TrajectoryRow
from ted.bank.tables import Base, HistoryRow, LineageRow
from ted.bank.usage import usage_of
from ted.errors import ModelTimeout
from ted.experience import Key
from ted.jobs.distillation import Options
from ted.operations import Rewrite
from ted.prompts import VERSION
from ted.sample import Exact, Image, Numeric, Question, Sample
from tests.drawings import draw
from tests.scripted import (
    Bench,
    Call,
    add,
    attempt,
    critique,
    merge,
    remembering,
    remove,
    result,
    rewrite,
    roles,
    skips,
    wording,
)
from tests.stores import Store, added, apply

BADGE = Sample("badge", Question("Where do I report a lost badge?"), "desk QX-417", Exact(), ("desks",))
PARCEL = Sample("parcel", Question("Which counter takes oversized parcels?"), "counter ZV-30")
CRATES = Sample("crates", Question("How many crates fit on one pallet?"), "48", Numeric())

LESSON = add("A badge was lost", "Lost badges are reported at desk QX-417.")
TWIN_OF_LESSON = add("A badge was lost.", "Lost badges are reported to desk QX-417.")


def rows(bench: Bench, table: type[Base]) -> list[Any]:
    with bench.store.database.reading() as session:
        return list(session.scalars(select(table)))


def answering(right: dict[str, str]) -> Any:
    """A rule: the answer of the sample, if it is known."""
    return lambda call: attempt(right.get(call.sample, "no idea"))


async def test_an_add_comes_out_of_a_sample_that_the_student_gets_wrong(bench: Bench) -> None:
    bench.student = {"student": attempt("reception")}
    bench.teacher = {"solve": attempt("desk QX-417"), "critique": critique(LESSON)}

    job = await bench.distil(BADGE)

    assert (job.status, job.error) == ("succeeded", None)
    (experience,) = bench.bank.experiences()
    assert experience.content == "Lost badges are reported at desk QX-417."
    assert experience.keys == (Key("when_to_use", "A badge was lost"), Key("question", BADGE.question.text))
    assert experience.tags == ("desks",)
    assert result(job)["operations"] == {"add": 1}
    assert result(job)["teacher_solved"] == 1
    assert skips(job) == []
    (entry,) = rows(bench, HistoryRow)
    assert entry.provenance == {
        "job": job.id,
        "epoch": 0,
        "sample": "badge",
        "student": "small",
        "teacher": "large",
        "prompts": VERSION,
    }


async def test_without_tries_of_its_own_the_teacher_is_shown_the_reference(bench: Bench) -> None:
    bench.student = {"student": attempt("reception")}
    bench.teacher = {"explain": attempt("desk QX-417"), "critique": critique(LESSON)}

    job = await bench.distil(BADGE, options=Options(trajectories=2, solves=0))

    assert roles(bench.large) == ["critique", "explain"]
    assert (result(job)["teacher_solved"], result(job)["rationalised"]) == (0, 1)
    assert result(job)["operations"] == {"add": 1}


async def test_the_structured_chains_are_kept(bench: Bench) -> None:
    bench.student = {
        "student": lambda call: attempt("desk QX-417" if call.number else "reception", f"step {call.number}")
    }
    bench.teacher = {"solve": attempt("desk QX-417", "look at the list"), "critique": critique(LESSON)}

    job = await bench.distil(BADGE)

    first, second = sorted(rows(bench, TrajectoryRow), key=lambda t: int(t.number))
    assert (first.final_answer, first.correct, first.chain["steps"]) == ("reception", False, ["step 0"])
    assert (second.final_answer, second.correct, second.chain["premises"]) == ("desk QX-417", True, ["given"])
    assert "is not" in first.reason
    (solution,) = rows(bench, SolutionRow)
    assert (solution.correct, solution.rationalised) == (True, False)
    assert solution.chain == {"premises": ["given"], "steps": ["look at the list"], "conclusion": "so"}
    (kept,) = rows(bench, CritiqueRow)
    assert kept.findings == [{"trajectory": 0, "first_wrong_step": "the first", "error_type": "knowledge"}]
    assert kept.operations == [LESSON]
    assert result(job)["student_correct"] == 0.5


async def seeded(bench: Bench) -> tuple[str, str]:
    """Two experiences that are shown for the badge sample, as E1 and E2."""
    one = await added(bench.bank, "A badge was lost", "Ask at desk QX-417 or QX-418.", BADGE.question.text)
    other = await added(bench.bank, "A badge vanished", "Go to desk QX-417.", BADGE.question.text)
    return one.id, other.id


async def test_a_rewrite_comes_out_and_makes_a_new_version(bench: Bench) -> None:
    one, _ = await seeded(bench)
    bench.student = {"student": attempt("reception")}
    new = rewrite("E1", "A badge was lost", "Lost badges: desk QX-417 only.")
    bench.teacher = {
        "solve": attempt("desk QX-417"),
        "critique": critique(new, E1="harmful", E2="helpful"),
        "sharpen": wording("A badge was lost", "content is not its affair"),
    }

    job = await bench.distil(BADGE)

    assert result(job)["operations"] == {"rewrite": 1}
    experience = bench.bank.experience(one)
    assert (experience.version, experience.content) == (2, "Lost badges: desk QX-417 only.")


async def test_a_merge_comes_out_with_lineage(bench: Bench) -> None:
    one, other = await seeded(bench)
    bench.student = {"student": attempt("reception")}
    new = merge(["E1", "E2"], "A badge was lost or vanished", "Go to desk QX-417.")
    bench.teacher = {"solve": attempt("desk QX-417"), "critique": critique(new)}

    job = await bench.distil(BADGE)

    assert result(job)["operations"] == {"merge": 1}
    (child,) = bench.bank.experiences()
    assert {(r.child_id, r.parent_id) for r in rows(bench, LineageRow)} == {
        (child.id, one),
        (child.id, other),
    }
    assert Key("question", BADGE.question.text) in child.keys


async def test_a_remove_comes_out_and_retires(bench: Bench) -> None:
    one, other = await seeded(bench)
    bench.student = {"student": attempt("reception")}
    bench.teacher = {"solve": attempt("desk QX-417"), "critique": critique(remove("E1"))}

    job = await bench.distil(BADGE)

    assert result(job)["operations"] == {"remove": 1}
    assert [e.id for e in bench.bank.experiences()] == [other]
    assert bench.bank.experience(one).status == "retired"


async def test_verdicts_and_citations_move_the_counters_of_what_was_shown(bench: Bench) -> None:
    one, other = await seeded(bench)
    foreign = await added(bench.bank, "A badge is lost at work", "See QX-417.")
    bench.student = {
        "student": lambda call: attempt("desk QX-417" if call.number else "reception", used=["E2", "E77"])
    }
    bench.teacher = {"solve": attempt("desk QX-417"), "critique": critique(E1="harmful", E2="helpful")}

    await bench.distil(BADGE)

    with bench.store.database.reading() as session:
        usage = usage_of(session, bench.bank.id)
    assert (usage[one].shown, usage[one].cited, usage[one].harmful) == (1, 0, 1)
    assert (usage[other].shown, usage[other].cited, usage[other].helpful) == (1, 1, 1)
    assert usage[one].shown_correct == usage[other].shown_wrong == 0.0  # it is their own source question
    assert usage[foreign.id].retrieved == 0


async def test_a_group_that_is_all_right_asks_no_teacher_but_counts_usage(bench: Bench) -> None:
    shown = await added(bench.bank, "A badge was lost", "See the list.", "Where to report a lost badge?")
    bench.student = {"student": attempt("Desk QX-417.")}

    job = await bench.distil(BADGE)

    assert bench.large.requests == []
    assert result(job)["items"] == {"total": 1, "completed": 1, "failed": 0, "skipped": 1, "quarantined": 0}
    assert result(job)["operations"] == {}
    with bench.store.database.reading() as session:
        usage = usage_of(session, bench.bank.id)[shown.id]
    assert (usage.shown, usage.shown_correct, usage.shown_wrong) == (1, 1.0, 0.0)


async def test_a_question_that_is_answered_by_the_nearest_experience_becomes_a_key_of_it(
    bench: Bench,
) -> None:
    shown = await added(bench.bank, "A badge was lost", "See desk QX-417.", "Where to report a lost badge?")
    bench.student = {"student": attempt("Desk QX-417.")}

    job = await bench.distil(BADGE)

    assert result(job)["operations"] == {"key": 1}
    assert bench.bank.experience(shown.id).keys == (*shown.keys, Key("question", BADGE.question.text))


async def test_a_group_that_is_all_wrong_is_kept(bench: Bench) -> None:
    bench.student = {"student": attempt("reception")}
    bench.teacher = {"solve": attempt("desk QX-417"), "critique": critique(LESSON)}

    job = await bench.distil(BADGE, options=Options(trajectories=5))

    assert len(bench.small.requests) == 5
    assert result(job)["student_correct"] == 0.0
    assert len(bench.bank.experiences()) == 1


async def test_a_teacher_that_is_wrong_twice_explains_the_reference_and_is_marked(bench: Bench) -> None:
    seen: list[Call] = []
    bench.student = {"student": attempt("reception")}
    bench.teacher = {
        "solve": attempt("the canteen"),
        "explain": remembering(seen, attempt("desk QX-417", "the list says so")),
        "critique": remembering(seen, critique(LESSON)),
    }

    job = await bench.distil(BADGE)

    assert roles(bench.large) == ["critique", "explain", "solve", "solve"]
    explained, criticised = seen
    assert "Correct answer: desk QX-417" in explained.user
    assert "with the reference in view" in criticised.user
    (solution,) = rows(bench, SolutionRow)
    assert (solution.correct, solution.rationalised) == (False, True)
    assert (result(job)["teacher_solved"], result(job)["rationalised"]) == (0, 1)


async def test_a_teacher_that_is_right_at_the_second_try_explains_nothing(bench: Bench) -> None:
    bench.student = {"student": attempt("reception")}
    bench.teacher = {
        "solve": lambda call: attempt("desk QX-417" if call.number else "the canteen"),
        "critique": critique(LESSON),
    }

    job = await bench.distil(BADGE)

    first, second = (r for r in bench.large.requests if ":solve:" in r.call_key)
    assert (first.temperature, second.temperature) == (0.0, 0.7)
    assert first.seed != second.seed
    assert (result(job)["teacher_solved"], result(job)["rationalised"]) == (1, 0)


async def test_a_trace_over_its_budget_is_compressed_before_the_critique(bench: Bench) -> None:
    seen: list[Call] = []
    brief = '{"premises": ["a list"], "steps": ["read it"], "conclusion": "in brief"}'
    bench.student = {
        "student": lambda call: attempt("reception", *(["on and on"] * 400 if call.number else ["quickly"]))
    }
    bench.teacher = {
        "solve": attempt("desk QX-417", *["round and round"] * 400),
        "compress": brief,
        "compress-solution": brief,
        "critique": remembering(seen, critique(LESSON)),
    }

    await bench.distil(BADGE)

    assert roles(bench.large) == ["compress", "compress-solution", "critique", "solve"]
    shown = seen[0].user
    assert "on and on" not in shown
    assert "round and round" not in shown
    assert shown.count("Conclusion: in brief") == 2
    assert "Step 1: quickly" in shown
    (solution,) = rows(bench, SolutionRow)
    assert len(solution.chain["steps"]) == 400  # as it was written


async def test_two_samples_of_a_batch_that_propose_the_same_make_one_experience(bench: Bench) -> None:
    again = Sample("again", Question("My badge is gone, whom do I tell?"), "desk QX-417", tags=("lost",))
    bench.student = {"student": attempt("reception")}
    bench.teacher = {
        "solve": attempt("desk QX-417"),
        "critique": lambda call: critique(LESSON if call.sample == "badge" else TWIN_OF_LESSON),
    }

    job = await bench.distil(BADGE, again)

    (experience,) = bench.bank.experiences()
    assert experience.when_to_use == LESSON["when_to_use"]  # that of the first sample
    assert {k.text for k in experience.keys if k.kind == "question"} == {
        BADGE.question.text,
        again.question.text,
    }
    assert (result(job)["operations"], result(job)["united"]) == ({"add": 1}, 1)
    assert experience.tags == ("desks", "lost")
    (entry,) = rows(bench, HistoryRow)
    assert (entry.provenance["sample"], entry.provenance["united"]) == ("badge", ["again"])


async def test_two_changes_of_one_experience_in_a_batch_are_one_and_the_other_is_told(bench: Bench) -> None:
    one, _ = await seeded(bench)
    again = Sample("again", BADGE.question, "desk QX-417")
    bench.student = {"student": attempt("reception")}
    new = rewrite("E1", "A badge was lost", "Lost badges: desk QX-417 only.")
    bench.teacher = {
        "solve": attempt("desk QX-417"),
        "critique": lambda call: critique(new if call.sample == "badge" else remove("E1")),
        "sharpen": wording("A badge was lost", "content is not its affair"),
    }

    job = await bench.distil(BADGE, again)

    assert result(job)["operations"] == {"rewrite": 1}
    assert skips(job) == [("again", "same_batch")]
    assert bench.bank.experience(one).version == 2


async def test_batches_see_what_the_batches_before_them_made(bench: Bench) -> None:
    again = Sample("again", Question("Where do I report that I lost my badge?"), "desk QX-417")
    bench.student = {"student": lambda call: attempt("desk QX-417" if "QX-417" in call.user else "reception")}
    bench.teacher = {"solve": attempt("desk QX-417"), "critique": critique(LESSON)}

    await bench.distil(BADGE, again, options=Options(trajectories=2, batch_size=1))

    items = {item.sample_id: item for item in rows(bench, ItemRow)}
    assert [items[i].status for i in ("badge", "again")] == ["done", "all_correct"]
    assert [items[i].retrieval["revision"] for i in ("badge", "again")] == [0, 1]


async def test_a_second_epoch_goes_over_the_samples_again(bench: Bench) -> None:
    bench.student = {"student": lambda call: attempt("desk QX-417" if "QX-417" in call.user else "reception")}
    bench.teacher = {"solve": attempt("desk QX-417"), "critique": critique(LESSON)}

    job = await bench.distil(BADGE, options=Options(trajectories=2, epochs=2))

    assert result(job)["items"] == {"total": 2, "completed": 2, "failed": 0, "skipped": 1, "quarantined": 0}
    assert result(job)["student_correct"] == 0.5
    assert bench.bank.record.revision == 2


def time_out(call: Call) -> str:
    raise ModelTimeout(f"no answer for {call.sample} within 120 s")


async def test_a_call_that_fails_fails_its_item_and_not_the_job(bench: Bench) -> None:
    bench.student = {
        "student": lambda call: time_out(call) if call.sample == "parcel" else attempt("reception")
    }
    bench.teacher = {"solve": attempt("desk QX-417"), "critique": critique(LESSON)}

    job = await bench.distil(PARCEL, BADGE)

    assert job.status == "succeeded"
    assert result(job)["items"] == {"total": 2, "completed": 1, "failed": 1, "skipped": 0, "quarantined": 0}
    assert result(job)["failures"] == [
        {"epoch": 0, "sample": "parcel", "error": "no answer for parcel within 120 s"}
    ]
    assert len(bench.bank.experiences()) == 1


async def test_no_attempt_is_left_running_when_another_one_fails(bench: Bench) -> None:
    """Its answer is paid for; it must be kept."""
    import asyncio

    async def slowly() -> str:
        await asyncio.sleep(0.05)
        return attempt("reception")

    bench.student = {"student": lambda call: time_out(call) if call.number == 0 else slowly()}

    job = await bench.distil(BADGE)

    assert job.status == "failed"
    assert bench.store.calls.spent(job.id).calls == 1


async def test_a_job_fails_where_nothing_usable_came_out(bench: Bench) -> None:
    bench.student = {"student": time_out}

    job = await bench.distil(PARCEL, BADGE)

    assert job.status == "failed"
    assert job.error == "no sample could be worked on: no answer for badge within 120 s"
    assert bench.bank.experiences() == []


async def test_an_experience_of_a_sample_with_an_image_is_keyed_by_the_image_and_both_models_see_it(
    pictured: Store,
) -> None:
    bench = Bench(pictured, pictured.create())
    image = Image("red", "image/png", draw("red", "circle", seed=1))
    sample = Sample("shape", Question("Which code has this shape?", (image,)), "QX-417")
    bench.student = {"student": attempt("ZZ-1")}
    bench.teacher = {
        "solve": lambda call: attempt("QX-417" if call.number else "no"),
        "critique": critique(add("A round red thing is shown", "Its code is QX-417.")),
    }

    await bench.distil(sample)

    (experience,) = bench.bank.experiences()
    assert Key("image", image_sha256="red") in experience.keys
    asked = [*bench.small.requests, *bench.large.requests]
    assert len(asked) == 5
    assert all(request.messages[1].parts[0] == image for request in asked)
    again = Image("again", "image/png", draw("red", "circle", seed=1))
    found = await bench.bank.retrieve(Question("Which code has this shape?", (again,)))
    assert [r.experience.id for r in found.retrieved] == [experience.id]


async def test_the_compact_profile_asks_in_the_short_form_with_few_tokens(bench: Bench) -> None:
    bench.student = {"student": "reception"}
    bench.teacher = {
        "solve": "the canteen",
        "critique": '{"when_to_use": "A badge was lost", "content": "Report it at desk QX-417."}',
    }

    job = await bench.distil(BADGE, options=Options("compact"))

    assert roles(bench.small) == ["student", "student"]
    assert roles(bench.large) == ["critique", "solve"]
    assert {r.max_tokens for r in bench.small.requests} == {48}
    assert {r.schema for r in bench.small.requests} == {None}
    assert [e.content for e in bench.bank.experiences()] == ["Report it at desk QX-417."]
    assert result(job)["rationalised"] == 0


async def test_a_change_from_elsewhere_during_a_batch_makes_the_operation_stale_and_is_told(
    bench: Bench,
) -> None:
    one, _ = await seeded(bench)

    async def meanwhile() -> str:
        await apply(bench.bank, Change(Rewrite(one, "A badge was lost", "Somebody's own words on QX-417.")))
        return critique(remove("E1"))

    bench.student = {"student": attempt("reception")}
    bench.teacher = {"solve": attempt("desk QX-417"), "critique": lambda call: meanwhile()}

    job = await bench.distil(BADGE)

    assert skips(job) == [("badge", "stale")]
    assert "after the base 2" in result(job)["skipped"][0]["detail"]
    assert bench.bank.experience(one).content == "Somebody's own words on QX-417."
