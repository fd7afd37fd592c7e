"""A second epoch measures, rewrites and removes; it does not just add."""

from __future__ import annotations

from dataclasses import replace

from ted.jobs.distillation import Options
from ted.sample import Question, Sample
from ted.settings import RetrievalSettings
from tests.scripted import Bench, Call, Rule, add, attempt, critique, result, wording
from tests.stores import added

TOPICS = ("boats on the canal", "lamps in the hall", "chairs for the concert", "loaves from the oven")
SAMPLES = [
    Sample(f"s{n}", Question(f"What is to be said of the {topic}?"), f"C-{n}")
    for n, topic in enumerate(TOPICS)
]


def lesson(call: Call) -> str:
    """Another text in each epoch."""
    number = int(call.sample[1:])
    epoch = int(call.request.call_key.split(":")[1])
    return critique(add(f"{TOPICS[number]} are meant", f"Say C-{number}, whatever else, {'ab'[epoch] * 3}."))


def sharper(call: Call) -> str:
    return wording(f"What is to be said of the {TOPICS[int(call.sample[1:])]}", "as before")


def teaching() -> dict[str, Rule]:
    return {"solve": lambda call: attempt(f"C-{call.sample[1:]}"), "critique": lesson, "sharpen": sharper}


async def test_what_is_still_wrong_is_rewritten_and_the_bank_does_not_grow(bench: Bench) -> None:
    bench.student = {"student": attempt("I do not know")}
    bench.teacher = teaching()

    job = await bench.distil(*SAMPLES, options=Options(trajectories=2, epochs=2, batch_size=2))

    kept = bench.bank.experiences()
    assert len(kept) == len(SAMPLES)
    assert {e.version for e in kept} == {2}
    assert all(e.content.endswith("bbb.") for e in kept)
    assert result(job)["operations"] == {"add": 4, "rewrite": 4}


async def test_where_nothing_is_left_to_learn_the_second_epoch_changes_nothing(bench: Bench) -> None:
    bench.student = {
        "student": lambda call: attempt(
            f"C-{call.sample[1:]}" if f"C-{call.sample[1:]}" in call.user else "?"
        )
    }
    bench.teacher = teaching()

    job = await bench.distil(*SAMPLES, options=Options(trajectories=2, epochs=2, batch_size=2))

    assert len(bench.bank.experiences()) == len(SAMPLES)
    assert result(job)["operations"] == {"add": 4}
    assert result(job)["items"]["skipped"] == 4  # all right in the second epoch


async def test_what_harms_is_measured_and_goes_and_the_critique_is_told_its_record(bench: Bench) -> None:
    wide = RetrievalSettings(k=3, gap=2.0, min_similarity=-2.0)
    bench.store.banks.change(bench.bank.id, lambda s: replace(s, retrieval=wide))
    bad = await added(bench.bank, "Anything is asked", "Answer BAD.")
    good = await added(bench.bank, "Something is asked", "Think first.")
    seen: list[str] = []

    def critic(call: Call) -> str:
        seen.append(call.user)
        return critique()

    bench.student = {"student": lambda call: attempt("BAD" if "Answer BAD" in call.user else "yes")}
    bench.teacher = {"solve": attempt("yes"), "critique": critic}
    samples = [Sample(f"s{n}", Question(f"Is it so in case {n}?"), "yes") for n in range(60)]

    await bench.distil(*samples, options=Options(trajectories=2, epochs=2, batch_size=20, compress_every=0))

    assert [e.id for e in bench.bank.experiences()] == [good.id]
    assert bench.bank.experience(bad.id).status == "retired"
    assert any("[with it 0 of 60 other questions right]" in told for told in seen)
