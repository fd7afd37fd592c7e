"""The gate in a distillation: what helps is admitted, what harms is kept out with its evidence, the unclear waits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ted.bank.bank import Bank
from ted.gate.trying import most_pairs, nearest_samples
from ted.gate.verdict import ENOUGH, Evidence, decided, told, verdict
from ted.jobs.distillation import Options
from ted.sample import Judge, Question, Sample
from tests.scripted import Bench, Call, add, attempt, critique, result, roles, skips

SAMPLES = [Sample(f"s{n}", Question(f"Which code has the red door of house {n}?"), "RX-1") for n in range(4)]


def teaching(content: str) -> dict[str, object]:
    return {"solve": attempt("RX-1"), "critique": critique(add("A red door needs its code.", content))}


def obeying(call: Call) -> str:
    """A student that says what the experience in its prompt says; alone it is wrong, but right at house 3."""
    for code in ("RX-1", "NO-9"):
        if f"is {code}" in call.user:
            return attempt(code)
    return attempt("RX-1" if "house 3" in call.user else "unknown")


@pytest.fixture
def desk(bench: Bench) -> Bench:
    bench.student = {"student": obeying, "gate": obeying}
    return bench


async def test_what_helps_is_admitted_with_its_evidence(desk: Bench) -> None:
    desk.teacher = dict(teaching("Its code is RX-1."))  # type: ignore[arg-type]

    await desk.distil(*SAMPLES[:1], options=Options(trajectories=2, gate="sample"))

    (made,) = desk.bank.experiences(status=None)
    gate = desk.bank.gate_of(made.id)
    assert made.status == "active"
    assert gate is not None
    assert (gate["policy"], gate["outcome"], gate["gains"], gate["regressions"]) == ("sample", "active", 2, 0)
    assert roles(desk.small).count("gate") == 4  # two pairs were enough


async def test_a_judged_sample_is_judged_at_the_gate_too(desk: Bench) -> None:
    desk.teacher = dict(teaching("Its code is RX-1."))  # type: ignore[arg-type]
    desk.teacher |= {"judge": '{"same": false}', "judge-solution": '{"same": false}'}

    await desk.distil(replace(SAMPLES[0], grader=Judge()), options=Options(trajectories=2, gate="sample"))

    (made,) = desk.bank.experiences(status=None)
    gate = desk.bank.gate_of(made.id)
    assert gate is not None
    assert (gate["outcome"], gate["gains"]) == ("active", 2)
    asked = [r.call_key for r in desk.large.requests if ":judge:" in r.call_key]
    assert {key.partition(":")[0].partition(".")[2] for key in asked} == {
        "",
        "without",
    }  # RX-1 itself is not asked


async def test_what_harms_its_neighbours_is_rejected_and_never_served(desk: Bench) -> None:
    desk.student["gate"] = lambda call: attempt("NO-9" if "is NO-9" in call.user else "RX-1")
    desk.teacher = {
        "solve": attempt("RX-1"),
        "critique": critique(add("A red door needs its code.", "Else the code is NO-9, but say RX-1 here.")),
    }

    job = await desk.distil(*SAMPLES[:3], options=Options(trajectories=2, gate="neighbours"))

    kept = desk.bank.experiences(status=None)
    assert {e.status for e in kept} == {"rejected"}
    assert desk.bank.experiences() == []
    assert {reason for _, reason in skips(job)} == {"gate"}
    gate = desk.bank.gate_of(kept[0].id)
    assert gate is not None
    assert "lost" in gate["why"]
    assert result(job)["operations"]["rejected"] == len(kept)


async def test_what_no_neighbour_would_find_is_admitted_without_a_trial(desk: Bench) -> None:
    desk.teacher = dict(teaching("Its code is RX-1."))  # type: ignore[arg-type]
    other = Sample("t1", Question("How many loaves come out of the oven?"), "RX-1")

    await desk.distil(SAMPLES[0], other, options=Options(trajectories=2, gate="neighbours", batch_size=1))

    made = desk.bank.experiences()
    assert {(desk.bank.gate_of(e.id) or {})["outcome"] for e in made} == {"active"}


async def test_the_unclear_waits_and_later_samples_decide(desk: Bench) -> None:
    def gate(call: Call) -> str:
        if "house 0" in call.user:
            return attempt("unknown")  # at its own sample it makes no difference
        return obeying(call)

    desk.student["gate"] = gate
    desk.teacher = dict(teaching("Its code is RX-1."))  # type: ignore[arg-type]

    await desk.distil(SAMPLES[0], options=Options(trajectories=2, gate="sample"))
    (waiting,) = desk.bank.experiences(status=None)
    desk.teacher["critique"] = critique()
    await desk.distil(SAMPLES[1], options=Options(trajectories=2, gate="sample"))

    judged = desk.bank.experience(waiting.id)
    assert (waiting.status, judged.status) == ("candidate", "active")
    gate_now = desk.bank.gate_of(waiting.id)
    assert gate_now is not None
    assert (gate_now["gains"], gate_now["pairs"]) == (2, 10)


async def test_a_rejected_text_is_not_tried_twice(desk: Bench) -> None:
    desk.student["gate"] = lambda call: attempt("NO-9" if "is NO-9" in call.user else "RX-1")
    desk.teacher = dict(teaching("Its code is NO-9, not RX-1."))  # type: ignore[arg-type]
    await desk.distil(SAMPLES[0], options=Options(trajectories=2, gate="sample"))

    job = await desk.distil(SAMPLES[1], options=Options(trajectories=2, gate="sample"))

    assert "gate" not in roles(desk.small)
    assert skips(job) == [("s1", "gate")]
    assert len(desk.bank.experiences(status=None)) == 1


async def test_the_nearest_samples_come_first(bank: Bank) -> None:
    far = Sample("t", Question("How many loaves come out of the oven?"), "7")

    found = await nearest_samples(bank, [SAMPLES[0], far, SAMPLES[1]])

    assert [s.id for s in found["s0"]] == ["s1", "t"]


def test_a_trial_ends_at_a_lead_of_two_and_a_hopeless_one_after_enough_pairs() -> None:
    assert decided(Evidence(2, 0, 2)) == decided(Evidence(5, 3, 20)) == "active"
    assert decided(Evidence(0, 2, 2)) == "rejected"
    assert decided(Evidence(1, 0, 8)) is None
    assert verdict(Evidence(1, 0, 8)) == "candidate"
    assert verdict(Evidence(1, 0, ENOUGH)) == "rejected"
    assert verdict(Evidence()) == "active"
    assert told(Evidence(), "neighbours")["why"] == "no question of the trial found it"
    assert (most_pairs("sample"), most_pairs("neighbours"), most_pairs("none")) == (8, 12, 0)
