"""Jobs, items and material in the store: what a resumed run finds is what was left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ted.bank.bank import Bank
from ted.bank.changes import AddKeys, Change, SetStatus
from ted.bank.codec import (
    change_from_json,
    change_to_json,
    grader_from_json,
    grader_to_json,
    retrieval_from_json,
    retrieval_to_json,
)
from ted.bank.job_values import ItemCounts, Job, JobKind
from ted.bank.material import Place
from ted.bank.usage import Asked
from ted.errors import Conflict, NotFound
from ted.experience import Experience, Key, Retrieval, Retrieved, Similarity
from ted.operations import Add, Merge, Remove, Rewrite
from ted.sample import Choice, Exact, Grader, Image, Json, Numeric, Question, Regex, Sample
from ted.trajectory import Attempt, Chain, Critique, Finding, Grade, Solution, Trajectory
from tests.stores import Store

pytestmark = pytest.mark.each_store

NOTHING = Retrieval((), 0, abstained=True)
SAMPLES = (
    Sample(
        "s1", Question("What is in it?", (Image("abc", "image/png", b"\x89PNG"),)), "tea", Exact(), ("a",)
    ),
    Sample("s0", Question("How many?"), "4", Numeric(0.1)),
)


def begun(store: Store, bank: Bank, kind: JobKind = "distillation", epochs: int = 1) -> Job:
    return store.jobs.create(
        bank.id, kind, request={"epochs": epochs}, digest="d", budget={}, samples=SAMPLES
    )


def finish(store: Store, place: Place, status: str = "done", outcome: dict[str, Any] | None = None) -> None:
    store.material.finish(
        place,
        status=status,
        outcome=outcome or {"sample_id": place.sample_id},
        asked=Asked(place.key, "distillation", SAMPLES[0].question, 1.0),
        retrieval=NOTHING,
        cited={},
        verdicts={},
    )


def test_a_job_has_its_samples_in_their_order_images_included(store: Store, bank: Bank) -> None:
    job = begun(store, bank)

    assert store.jobs.samples(job.id) == list(SAMPLES)
    assert (store.jobs.get(job.id).status, job.runs) == ("queued", 0)


def test_one_writing_job_a_bank(store: Store, bank: Bank) -> None:
    first = begun(store, bank)

    for kind in ("distillation", "compression"):
        with pytest.raises(Conflict, match=f"unfinished distillation {first.id}"):
            begun(store, bank, kind)
    begun(store, bank, "evaluation")
    begun(store, store.create("other"))
    store.jobs.finish(first.id, "succeeded", result={})
    assert begun(store, bank).status == "queued"


def test_the_life_of_a_job_is_kept(store: Store, bank: Bank) -> None:
    job = begun(store, bank)

    running = store.jobs.begin(job.id)
    paused = store.jobs.pause(job.id, "budget of 1 calls reached")
    again = store.jobs.begin(job.id)
    done = store.jobs.finish(job.id, "succeeded", result={"samples": 2})

    assert (running.status, running.runs) == ("running", 1)
    assert (paused.status, paused.reason) == ("paused", "budget of 1 calls reached")
    assert (again.status, again.reason, again.runs) == ("running", None, 2)
    assert again.started_at == running.started_at  # with its zone, whoever gives it
    assert (done.status, done.result) == ("succeeded", {"samples": 2})
    assert done.finished_at is not None


def test_the_latest_job_of_a_digest_is_found_unless_it_was_cancelled(store: Store, bank: Bank) -> None:
    first = begun(store, bank, "evaluation")
    second = begun(store, bank, "evaluation")
    assert getattr(store.jobs.latest(bank.id, "d"), "id", None) == second.id

    store.jobs.finish(second.id, "cancelled", result=None)

    assert getattr(store.jobs.latest(bank.id, "d"), "id", None) == first.id
    assert store.jobs.latest(bank.id, "e") is None


def test_items_are_counted_by_what_became_of_them(store: Store, bank: Bank) -> None:
    job = begun(store, bank, epochs=2)
    assert store.jobs.counts(job.id) == ItemCounts(4, 0, 0, 0)

    finish(store, Place(job.id, 0, "s1"))
    finish(store, Place(job.id, 0, "s0"), "all_correct")
    store.material.fail(Place(job.id, 1, "s1"), "no answer")

    assert store.jobs.counts(job.id) == ItemCounts(4, 2, 1, 1)
    assert store.material.failures(job.id) == [{"epoch": 1, "sample": "s1", "error": "no answer"}]


def test_a_retrieval_once_frozen_is_given_back_the_same(store: Store, bank: Bank) -> None:
    place = Place(begun(store, bank).id, 0, "s1")
    experience = Experience("exp_1", 3, "when", "content", tags=("a",), keys=(Key("question", "q"),))
    retrieval = Retrieval(
        (Retrieved(experience, Similarity(0.5, 0.4, None, 0.6), "E1"),), 7, False, 0.5, 0.25
    )
    assert store.material.frozen_retrieval(place) is None

    store.material.freeze_retrieval(place, retrieval)

    assert store.material.frozen_retrieval(place) == retrieval


def test_an_outcome_is_there_once_the_sample_is_finished_and_a_failure_is_none(
    store: Store, bank: Bank
) -> None:
    place = Place(begun(store, bank).id, 0, "s1")
    store.material.freeze_retrieval(place, NOTHING)
    assert store.material.outcome(place) is None
    store.material.fail(place, "no answer")
    assert store.material.outcome(place) is None

    finish(store, place, outcome={"correct": 0.5})

    assert store.material.outcome(place) == {"correct": 0.5}
    assert store.material.failures(place.job_id) == []


def test_material_may_be_kept_again_in_place_of_what_was_there(store: Store, bank: Bank) -> None:
    place = Place(begun(store, bank).id, 0, "s1")
    attempt = Attempt(Chain(("p",), ("s",), "c"), "tea", ("E1",))
    for answer in ("coffee", "tea"):
        trajectory = Trajectory(0, "text", replace(attempt, final_answer=answer), Grade(True))
        store.material.keep_trajectories(place, [trajectory, Trajectory(1, "??", None, Grade(False, "no"))])
        store.material.keep_solution(place, Solution(attempt, correct=True))
        store.material.keep_critique(
            place, Critique((Finding(1, "s", "format"),), {"exp_1": "helpful"}, (Add("w", "c"),))
        )


def test_what_no_job_made_is_refused(store: Store) -> None:
    with pytest.raises(NotFound, match="no job job_x"):
        store.material.fail(Place("job_x", 0, "s"), "why")
    with pytest.raises(NotFound, match="no job job_x"):
        store.jobs.get("job_x")


@pytest.mark.parametrize(
    "operation",
    [Add("w", "c"), Rewrite("e", "w", "c"), Merge(("a", "b"), "w", "c"), Remove("e"), AddKeys("e")],
)
def test_a_change_survives_being_kept(operation: Any) -> None:
    keys = (Key("question", "q"), Key("image", image_sha256="abc"))
    change = Change(operation, keys, ("t",), {"job": "j"})

    assert change_from_json(change_to_json(change)) == change


def test_an_operators_change_is_no_samples_change() -> None:
    with pytest.raises(TypeError, match="an operator's change"):
        change_to_json(Change(SetStatus("e", "active")))


@pytest.mark.parametrize("grader", [Exact(), Numeric(0.5), Choice(), Regex(), Json()])
def test_a_grader_survives_being_kept(grader: Grader) -> None:
    assert grader_from_json(grader_to_json(grader)) == grader


def test_an_empty_retrieval_survives_being_kept() -> None:
    assert retrieval_from_json(retrieval_to_json(NOTHING)) == NOTHING
