"""What a merge begins with: its parents' evidence, thinned; and that nothing of theirs is lost by it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ted.bank.bank import Bank
from ted.bank.changes import Change, Unmerge
from ted.bank.tables import ExposureRow
from ted.bank.usage import (
    Asked,
    UsageStats,
    record_exposures,
    regrade,
    usage_from_exposures,
    usage_of,
)
from ted.bank.utility import MOST_INHERITED, NOTHING, Inherited, Side, inherited_from, questions, utility_from
from ted.bank.versions import roll_back
from ted.compression.usefulness import LEAST_QUESTIONS, is_harmful
from ted.experience import Experience, Retrieval, Retrieved, Similarity
from ted.operations import Merge, Rewrite
from ted.sample import Question
from tests.bank_files import exported, imported
from tests.stores import Store, added, apply

pytestmark = pytest.mark.each_store


def tried(bank: Bank, experience: Experience, *outcomes: float, shown: bool, origin: str) -> None:
    """So many questions for which chance showed it, or did not, each with even odds."""
    for n, outcome in enumerate(outcomes):
        retrieved = (Retrieved(experience, Similarity(0.5), "E1", shown=shown, propensity=0.5),)
        asked = Asked(f"{origin}:0:s{n}", "distillation", Question(f"Question {n}?"), outcome)
        with bank.database.writing() as session:
            row = bank._row(session)
            record_exposures(session, row, asked, Retrieval(retrieved, 1, False), cited={}, verdicts={})


def usage(bank: Bank) -> dict[str, UsageStats]:
    with bank.database.reading() as session:
        found = usage_of(session, bank.id)
        assert found == usage_from_exposures(session, bank.id)
    return found


async def two(bank: Bank, *, right: int = 12, wrong: int = 12) -> tuple[Experience, Experience]:
    """Two experiences that help: shown they are right, withheld wrong."""
    one = await added(bank, "A badge is lost", "Ask desk QX-417.")
    other = await added(bank, "A badge is stolen", "Ask desk QX-417, too.")
    for experience in (one, other):
        tried(bank, experience, *[1.0] * right, shown=True, origin=f"{experience.id}-with")
        tried(bank, experience, *[0.0] * wrong, shown=False, origin=f"{experience.id}-without")
    return one, other


async def merged(bank: Bank, *parents: Experience) -> Experience:
    await apply(bank, Change(Merge(tuple(p.id for p in parents), "A badge is gone", "Ask desk QX-417.")))
    return next(e for e in bank.experiences() if e.when_to_use == "A badge is gone")


async def test_a_merge_counts_from_zero_and_knows_ten_questions_of_its_parents(bank: Bank) -> None:
    parents = await two(bank)

    made = await merged(bank, *parents)

    child = usage(bank)[made.id]

    assert (child.retrieved, child.shown, child.shown_correct, child.withheld_wrong) == (0, 0, 0.0, 0.0)
    assert child.inherited.questions == pytest.approx(MOST_INHERITED)
    assert child.utility.shown + child.utility.withheld == pytest.approx(10)
    assert child.utility.mean == pytest.approx(6 / 7 - 1 / 7)


async def test_little_evidence_is_inherited_whole(bank: Bank) -> None:
    one, other = await two(bank, right=1, wrong=1)

    made = await merged(bank, one, other)

    child = usage(bank)[made.id]
    assert child.inherited.questions == pytest.approx(4)


async def test_parents_of_whom_nothing_is_known_leave_nothing(bank: Bank) -> None:
    one, other = await two(bank, right=0, wrong=0)

    made = await merged(bank, one, other)

    child = usage(bank)[made.id]
    assert child.inherited == NOTHING
    assert child.utility.mean is None


async def test_what_is_inherited_alone_removes_no_merge_and_own_evidence_outweighs_it(bank: Bank) -> None:
    one, other = await two(bank, right=0, wrong=0)
    for experience in (one, other):
        tried(bank, experience, *[0.0] * 30, shown=True, origin=f"{experience.id}-with")
        tried(bank, experience, *[1.0] * 30, shown=False, origin=f"{experience.id}-without")
    assert all(is_harmful(u) for u in usage(bank).values())

    child = await merged(bank, one, other)
    begun = usage(bank)[child.id]
    tried(bank, child, *[1.0] * 40, shown=True, origin="with")
    tried(bank, child, *[0.0] * 40, shown=False, origin="without")
    then = usage(bank)[child.id]

    assert begun.utility.mean is not None
    assert begun.utility.mean < 0
    assert not is_harmful(begun)
    assert min(begun.utility.shown, begun.utility.withheld) < LEAST_QUESTIONS
    assert then.utility.low > 0


async def test_a_merge_of_merges_inherits_ten_questions_again(bank: Bank) -> None:
    child = await merged(bank, *await two(bank))
    third = await added(bank, "A badge is broken", "Ask desk QX-417 as well.")

    await apply(bank, Change(Merge((child.id, third.id), "A badge is no good", "Ask desk QX-417.")))

    (grandchild,) = bank.experiences()
    assert usage(bank)[grandchild.id].inherited.questions == pytest.approx(10)


async def test_a_rewrite_inherits_nothing_and_the_merged_text_come_back_does(bank: Bank) -> None:
    child = await merged(bank, *await two(bank))
    before, begun = bank.record.revision, usage(bank)[child.id]

    await apply(bank, Change(Rewrite(child.id, "A badge is gone", "Ask the desk.")))
    rewritten = usage(bank)[child.id]
    await roll_back(bank, before)

    assert rewritten.inherited == NOTHING
    assert usage(bank)[child.id] == begun


async def test_a_merge_undone_gives_its_parents_their_own_evidence(bank: Bank) -> None:
    parents = await two(bank)
    before = usage(bank)
    child = await merged(bank, *parents)
    tried(bank, child, 0.0, 0.0, shown=True, origin="later")

    await apply(bank, Change(Unmerge(child.id)))

    after = usage(bank)
    assert {e.id for e in bank.experiences()} == {p.id for p in parents}
    assert all(after[p.id] == before[p.id] for p in parents)
    with bank.database.writing() as session:
        asked = session.query(ExposureRow).filter_by(experience_id=parents[0].id).first()
        assert asked is not None
        regrade(session, asked.asked_as, 0.0)
    assert usage(bank)[parents[0].id] != before[parents[0].id]


async def test_what_is_inherited_goes_along_in_a_file(store: Store) -> None:
    bank = store.create()
    child = await merged(bank, *await two(bank))

    imported(store, exported(store), name="theirs", on_conflict="copy")

    theirs = store.open("theirs")
    (copied,) = theirs.experiences()
    assert usage(theirs)[copied.id] == usage(bank)[child.id]


SUMS = st.lists(st.tuples(st.floats(0.05, 0.95), st.floats(0, 1)), max_size=60).map(
    lambda drawn: Side(
        sum(w for w, _ in drawn),
        sum(w * w for w, _ in drawn),
        sum(w * y for w, y in drawn),
        sum(w * y * y for w, y in drawn),
    )
)


@given(st.lists(st.tuples(SUMS, SUMS), max_size=5))
def test_thinned_evidence_is_worth_ten_questions_at_most_and_keeps_its_shares(
    parents: list[tuple[Side, Side]],
) -> None:
    found = inherited_from(parents)

    assert found.questions <= MOST_INHERITED * (1 + 1e-9)
    assert Inherited.from_json(found.to_json()) == found
    for n, side in enumerate((found.shown, found.withheld)):
        weight, right = sum(p[n].weight for p in parents), sum(p[n].right for p in parents)
        if side.weight:
            assert side.right / side.weight == pytest.approx(right / weight)
        assert (questions(side) > 0) == (weight > 0)
    utility = utility_from(found.shown, found.withheld)
    assert -1 <= utility.low <= utility.high <= 1
