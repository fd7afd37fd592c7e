"""Rankings, maps, days and worths of banks equal what is recomputed row by row; sessions and origins are whose they are."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select, update

from ted.bank.caller import DEFAULT_CALLER, DEFAULT_PROJECT, Caller
from ted.bank.days import DAYS_LISTED, answering_by_day
from ted.bank.keys import KeySettings, KeyStore
from ted.bank.listings import Listings
from ted.bank.maps import MOST_POINTS, experience_map, plane
from ted.bank.origins import Origins
from ted.bank.overviews import Overviews
from ted.bank.pages import Page
from ted.bank.sessions import SessionStore
from ted.bank.tables import AnswerRow, ExperienceRow, now
from ted.bank.usage import usage_of
from ted.bank.utilities import utilities
from ted.errors import NotFound
from tests.lived_in import live_in
from tests.stores import Store

pytestmark = pytest.mark.each_store


@pytest.fixture
def lived(store: Store) -> str:
    """The id of a bank of 60 experiences after some weeks."""
    bank_id = store.create().id
    live_in(store.database, bank_id, experiences=60)
    return bank_id


def test_the_ranking_is_that_of_every_experiences_own_utility(store: Store, lived: str) -> None:
    with store.database.reading() as session:
        known = {i: u for i, s in usage_of(session, lived).items() if (u := s.utility).mean is not None}
    expected = sorted(known, key=lambda i: (-(known[i].mean or 0), i))
    overviews, found = Overviews(store.database), list[str]()

    after = None
    while True:
        part = overviews.ranking(lived, "best", limit=7, after=after)
        assert (part.before, part.total) == (len(found), len(known))
        for one in part.data:
            u = known[one.id]
            told = (one.utility, one.low, one.high, one.shown, one.withheld)
            assert told == pytest.approx((u.mean, u.low, u.high, u.shown, u.withheld))
        found += [one.id for one in part.data]
        if not part.has_more:
            break
        after = found[-1]

    assert found == expected
    worst = overviews.ranking(lived, "worst", limit=100).data
    assert [one.id for one in worst] == sorted(known, key=lambda i: (known[i].mean or 0, i))


def test_only_active_experiences_are_ranked_and_the_others_counted(store: Store, lived: str) -> None:
    first = Overviews(store.database).ranking(lived, "best", limit=1).data[0].id
    with store.database.writing() as session:
        session.execute(update(ExperienceRow).where(ExperienceRow.id == first).values(status="retired"))

    with store.database.reading() as session:
        found = utilities(session, lived)

    assert first not in found.ids
    assert len(found.ids) + found.unknown == 59
    with pytest.raises(NotFound, match="not in this ranking"):
        Overviews(store.database).ranking(lived, "best", limit=1, after=first)


def test_an_empty_bank_has_an_empty_overview(store: Store) -> None:
    found = Overviews(store.database).overview(store.create().id, "best", limit=5)

    assert (found.ranked.data, found.ranked.total, found.map.points, found.figures.days) == ((), 0, (), ())
    assert found.figures.utility.mean is None


def test_days_count_the_answers_of_each_day(store: Store, lived: str) -> None:
    with store.database.reading() as session:
        days = answering_by_day(session, lived)
        rows = session.scalars(select(AnswerRow).where(AnswerRow.bank_id == lived)).all()

    asked = Counter(row.created_at.date() for row in rows)
    assert {d.day: d.questions for d in days} == asked
    assert sum(d.abstained for d in days) == sum(row.abstained for row in rows)
    assert all(d.hits + d.abstained == d.questions for d in days)
    assert [d.day for d in days] == sorted(asked)


def test_days_long_ago_and_answers_without_the_bank_do_not_count(store: Store, lived: str) -> None:
    with store.database.writing() as session:
        ids = session.scalars(select(AnswerRow.id).order_by(AnswerRow.id)).all()
        old = now() - timedelta(days=DAYS_LISTED + 1)
        session.execute(update(AnswerRow).where(AnswerRow.id.in_(ids[:100])).values(created_at=old))
        session.execute(update(AnswerRow).where(AnswerRow.id.in_(ids[100:300])).values(mode="none"))

    with store.database.reading() as session:
        assert sum(d.questions for d in answering_by_day(session, lived)) == 600


def test_a_map_has_every_active_experience_within_its_bounds(store: Store, lived: str) -> None:
    found = Overviews(store.database).map(lived)

    assert (len(found.points), found.active) == (60, 60)
    assert max(abs(v) for p in found.points for v in (p.x, p.y)) == pytest.approx(1.0)
    assert 0 < found.explained[1] <= found.explained[0] < 1
    kinds = {p.id: p.when_to_use.split()[1] for p in found.points}
    places = {kind: [(p.x, p.y) for p in found.points if kinds[p.id] == kind] for kind in set(kinds.values())}
    within = np.mean([np.std(p, axis=0).mean() for p in places.values()])
    assert within < 0.5 * np.std([(p.x, p.y) for p in found.points], axis=0).mean()


def test_a_large_bank_is_drawn_by_those_that_are_used_most(
    store: Store, lived: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ted.bank.maps.MOST_POINTS", 10)
    with store.database.reading() as session:
        used = {i: stats.retrieved for i, stats in usage_of(session, lived).items()}
        found = experience_map(session, lived, utilities(session, lived))

    least = min(used[p.id] for p in found.points)
    assert (len(found.points), found.active, MOST_POINTS) == (10, 60, 1_000)
    assert sum(count > least for count in used.values()) < 10


def test_a_plane_is_that_of_principal_components_and_the_same_each_time() -> None:
    draw = np.random.default_rng(3)
    rows = (draw.normal(size=(40, 3)) * [5.0, 2.0, 0.1]).astype(np.float32)

    places, (one, other) = plane(rows)

    values = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False) ** 2
    assert (one, other) == pytest.approx(tuple(values[:2] / values.sum()), rel=1e-4)
    assert np.abs(places).max(axis=0) == pytest.approx([1.0, 1.0])
    assert abs(np.corrcoef(places[:, 0], rows[:, 0])[0, 1]) > 0.99
    np.testing.assert_array_equal(places, plane(rows)[0])


@pytest.mark.parametrize("rows", [np.zeros((0, 4)), np.ones((1, 4)), np.ones((5, 4)), np.eye(2, 1)])
def test_a_plane_of_too_little_is_no_error(rows: np.ndarray) -> None:  # type: ignore[type-arg]
    places, explained = plane(rows.astype(np.float32))

    assert places.shape == (len(rows), 2)
    assert np.isfinite(places).all()
    assert all(0 <= share <= 1 + 1e-9 for share in explained)


def test_worths_are_of_each_bank_its_own(store: Store, lived: str) -> None:
    other = store.create("other").id

    found = Overviews(store.database).worths([lived, other, "bank_none"])

    assert set(found) == {lived, other}
    assert (found[lived].spending.calls, found[other].spending.calls) == (900, 0)
    assert found[lived].comparison.with_bank + found[lived].comparison.without_bank == 900
    assert found[other].comparison.difference.mean is None


def test_never_used_experiences_are_listed_by_page(store: Store, lived: str) -> None:
    found = Listings(store.database, DEFAULT_CALLER).experiences(lived, Page(100), never_used=True)

    assert len(found.data) == 12
    assert all(details.usage.retrieved == 0 for details in found.data)


def test_origins_are_not_there_for_another_project_or_bank(store: Store, lived: str) -> None:
    with store.database.reading() as session:
        i = session.scalars(select(ExperienceRow.id).where(ExperienceRow.bank_id == lived)).first() or ""
    other = store.create("other").id

    assert Origins(store.database, DEFAULT_CALLER).lineage(lived, i).parents == ()
    for caller, bank in (
        (Caller("proj_x"), lived),
        (DEFAULT_CALLER, other),
        (Caller(DEFAULT_PROJECT, frozenset()), lived),
    ):
        with pytest.raises(NotFound):
            Origins(store.database, caller).lineage(bank, i)
    with pytest.raises(NotFound):
        Origins(store.database, DEFAULT_CALLER).image(lived, i, "0" * 64)
    for item in ("0:s00", "x", "-1:s", "9999999999:s"):
        with pytest.raises(NotFound):
            Origins(store.database, DEFAULT_CALLER).material("job_none", item)


def test_a_session_is_known_by_its_token_until_it_ends_or_its_key_is_gone(store: Store) -> None:
    keys, sessions = KeyStore(store.database, None), SessionStore(store.database)
    key, _ = keys.create(KeySettings("a", ("answer",)), project_id=DEFAULT_PROJECT)
    one, other = (sessions.open(key, lasts=timedelta(hours=1)) for _ in range(2))

    sessions.end(one)
    sessions.end("unknown")

    assert sessions.key_of(one) is None
    assert sessions.key_of(other) == key
    keys.revoke(key.id)
    found = sessions.key_of(other)
    assert found is not None
    assert not found.works_at(now())


def test_sessions_that_are_over_are_forgotten(store: Store) -> None:
    from ted.bank.key_tables import SessionRow

    keys, sessions = KeyStore(store.database, None), SessionStore(store.database)
    key, _ = keys.create(KeySettings("a", ("answer",)), project_id=DEFAULT_PROJECT)
    sessions.open(key, lasts=timedelta(seconds=-1))

    sessions.open(key, lasts=timedelta(hours=1))

    with store.database.reading() as session:
        assert len(session.scalars(select(SessionRow)).all()) == 1
