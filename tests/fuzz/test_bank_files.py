"""A bank's file with any field of any line changed by somebody who knows the format: imported, or refused by its line."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from fastapi.encoders import jsonable_encoder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.embedders.thumbnails import ThumbnailEmbedder
from ted.bank.caller import DEFAULT_CALLER
from ted.bank.listings import Listings
from ted.bank.pages import Page
from ted.errors import BadBankFile
from tests.bank_files import exported, imported, lived_in, said, summed
from tests.blanks import Blank
from tests.stores import Store

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        [0, -1, 2**63 - 1, 2**63, 2**200, 0.5, 1e308, float("inf"), "", "\0", "\ud800", [], {}, "AAAA"]
    ),
    st.sampled_from(
        ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01", {"\ud800": 1}, ["\ud800"]]
    ),
    st.text(max_size=5),
    st.recursive(st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner)),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, blank: Blank) -> list[bytes]:
    """The lines of a bank in which everything has happened."""
    store = Store.at(blank.copy(tmp_path_factory.mktemp("lived")), image_embedder=ThumbnailEmbedder())
    asyncio.run(lived_in(store))
    lines = exported(store)
    store.database.close()
    return lines


def check_told(bad: BadBankFile, lines: list[bytes]) -> None:
    """It is of a line that is there, or of the one that should follow, in a message that can be sent."""
    assert 1 <= bad.line <= len(lines) + 1
    assert str(bad).encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_change_is_imported_and_can_be_shown_or_is_refused(
    pictured: Store, file: list[bytes], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(file) - 1))
    whole = said(file[at])
    name = data.draw(st.sampled_from([*whole, "other"]))
    changed: dict[str, Any] = whole | {name: data.draw(VALUES)}
    lines = [*file[:at], summed(at + 1, changed), *file[at + 1 :]]

    try:
        bank_id = imported(pictured, lines, name="desk", on_conflict="copy").bank_id
    except BadBankFile as bad:
        check_told(bad, lines)
        return

    assert bank_id is not None
    listings = Listings(pictured.database, DEFAULT_CALLER)
    shown = [listings.bank(bank_id), *listings.experiences(bank_id, Page(limit=100)).data]
    json.dumps(jsonable_encoder(shown), ensure_ascii=False, allow_nan=False).encode()
    assert exported(pictured, bank_id)
    pictured.banks.delete(bank_id)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=60).map(lambda line: line + b"\n")))
def test_any_bytes_are_refused(pictured: Store, lines: list[bytes]) -> None:
    with pytest.raises(BadBankFile) as bad:
        imported(pictured, lines)

    check_told(bad.value, lines)
