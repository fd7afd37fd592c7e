"""A bank's file: exported, imported and exported again it is the same; and what is wrong with it is told by its line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from index.embedders.hashing import HashingEmbedder
from index.embedders.thumbnails import ThumbnailEmbedder
from ted.bank.usage import usage_from_exposures, usage_of
from ted.errors import BadBankFile, Conflict, NotFound
from ted.sample import Question
from tests.bank_files import QUESTIONS, exported, forged, imported, lived_in, picture, said
from tests.blanks import Blank
from tests.stores import Store, everything

pytestmark = pytest.mark.each_store


@pytest.fixture
def elsewhere(tmp_path: Path, blank: Blank) -> Iterator[Store]:
    """An empty store of another installation, with the same embedders."""
    url = blank.copy(tmp_path, "other.sqlite")
    store = Store.at(url, image_embedder=ThumbnailEmbedder())
    yield store
    store.database.close()
    blank.drop(url)


async def test_exported_and_imported_elsewhere_it_gives_the_same_file(
    pictured: Store, elsewhere: Store
) -> None:
    await lived_in(pictured)
    file = exported(pictured)

    done = imported(elsewhere, file)

    assert exported(elsewhere) == file
    assert {said(line)["line"] for line in file} == {
        *("header", "bank", "image", "revision", "experience", "history", "lineage"),
        *("key", "counter", "exposure", "refusal", "end"),
    }
    assert (done.name, done.embedded, done.images) == ("desk", 0, 1)


async def test_under_another_name_only_the_banks_own_line_differs(pictured: Store, elsewhere: Store) -> None:
    await lived_in(pictured)
    file = exported(pictured)

    done = imported(elsewhere, file, name="copy of desk")

    there = exported(elsewhere, "copy of desk")
    differ = [(said(a), said(b)) for a, b in zip(file, there, strict=True) if a != b]
    assert [b | {"id": a["id"], "name": a["name"]} == a for a, b in differ] == [True]
    assert differ[0][1]["id"] == done.bank_id


async def test_an_imported_bank_finds_the_same_with_the_same_similarities(
    pictured: Store, elsewhere: Store
) -> None:
    here = await lived_in(pictured)
    imported(elsewhere, exported(pictured))
    there = elsewhere.open()

    for question in (*QUESTIONS, Question("Which is it?", (picture(2),)), Question("Of what?")):
        assert await there.retrieve(question) == await here.retrieve(question)
    with elsewhere.database.reading() as session:
        assert usage_of(session, there.id) == usage_from_exposures(session, there.id)


async def test_an_imported_bank_can_be_changed_and_goes_on_counting(
    pictured: Store, elsewhere: Store
) -> None:
    from tests.stores import added

    here = await lived_in(pictured)
    imported(elsewhere, exported(pictured))
    there = elsewhere.open()

    await added(there, "A parcel came.", "Queue PA-1.")

    assert there.record.revision == here.record.revision + 1
    assert (await there.retrieve(Question("A parcel came."))).retrieved[0].experience.content == "Queue PA-1."


async def test_vectors_of_another_embedder_are_made_anew(pictured: Store, elsewhere: Store) -> None:
    await lived_in(pictured)
    other = replace(elsewhere, text_embedder=HashingEmbedder(128))

    done = imported(other, exported(pictured))

    bank = other.open()
    found = await bank.retrieve(Question("A printer is jammed or offline."))
    assert found.retrieved[0].experience.content == "Queue FX-31."
    assert done.embedded == done.keys - 1, "but for the key that is an image"
    assert said(exported(other)[0])["embedders"]["text"] == other.text_embedder.fingerprint


async def test_a_store_without_an_embedder_of_images_takes_it_as_a_bank_of_texts(
    pictured: Store, elsewhere: Store
) -> None:
    await lived_in(pictured)
    blind = replace(elsewhere, image_embedder=None)

    imported(blind, exported(pictured))

    assert said(exported(blind)[0])["embedders"]["image"] is None
    assert (await blind.open().retrieve(Question("A badge is gone."))).retrieved


async def test_a_dry_run_checks_everything_and_writes_nothing(pictured: Store, elsewhere: Store) -> None:
    await lived_in(pictured)
    before = everything(elsewhere.database)

    done = imported(elsewhere, exported(pictured), dry_run=True)

    assert (done.bank_id, done.experiences) == (None, 6)
    assert everything(elsewhere.database) == before
    with pytest.raises(Conflict):
        imported(pictured, exported(pictured), dry_run=True)


async def test_what_is_in_the_store_already_is_refused(pictured: Store) -> None:
    await lived_in(pictured)
    before = everything(pictured.database)

    with pytest.raises(Conflict, match="bank 'desk' already"):
        imported(pictured, exported(pictured))
    with pytest.raises(Conflict, match="is in this store already"):
        imported(pictured, exported(pictured), name="other")

    assert everything(pictured.database) == before


async def test_a_copy_lives_beside_the_bank_it_came_from(pictured: Store) -> None:
    here = await lived_in(pictured)

    imported(pictured, exported(pictured), name="copy", on_conflict="copy")

    copy = pictured.open("copy")
    assert [e.text for e in copy.experiences(status=None)] == [e.text for e in here.experiences(status=None)]
    assert not {e.id for e in copy.experiences(status=None)} & {e.id for e in here.experiences(status=None)}
    refusal = next(said(line) for line in exported(pictured, "copy") if b'"refusal"' in line)
    assert refusal["cluster"].split("@")[0] in {e.id for e in copy.experiences(status=None)}
    imported(pictured, exported(pictured, "copy"), name="third", on_conflict="copy")


async def test_a_replaced_bank_is_gone_and_the_file_stands_in_its_place(pictured: Store) -> None:
    from tests.stores import added

    here = await lived_in(pictured)
    file = exported(pictured)
    await added(here, "Something new.", "It is not in the file.")

    done = imported(pictured, file, on_conflict="replace")

    there = pictured.open()
    assert there.id == done.bank_id != here.id
    assert "Something new." not in {e.when_to_use for e in there.experiences()}
    with pytest.raises(NotFound):
        _ = here.record
    with pytest.raises(NotFound):
        imported(pictured, file, name="nobody", on_conflict="replace")


async def test_a_bank_with_an_unfinished_job_is_not_replaced(pictured: Store) -> None:
    here = await lived_in(pictured)
    pictured.jobs.create(here.id, "evaluation", request={}, digest="d", budget={})

    with pytest.raises(Conflict, match="unfinished job"):
        imported(pictured, exported(pictured), on_conflict="replace")


async def test_every_cut_and_every_change_of_a_line_is_refused_by_its_number(
    pictured: Store, elsewhere: Store
) -> None:
    await lived_in(pictured)
    file, before = exported(pictured), everything(elsewhere.database)

    def refused(lines: list[bytes]) -> int:
        with pytest.raises(BadBankFile) as told:
            imported(elsewhere, lines)
        assert f"line {told.value.line}: " in str(told.value)
        return told.value.line

    assert refused([]) == 1
    for number in range(1, len(file)):
        assert refused(file[:number]) == number + 1  # cut between two lines
        assert refused([*file[:number], file[number][:-3]]) == number + 1  # and within one
        assert refused([*file[: number - 1], *file[number:]]) == number  # one taken out
        changed = (
            file[number].replace(b'"', b"' \"", 1) if number % 2 else file[number].replace(b"1", b"2", 1)
        )
        if changed != file[number]:
            assert refused([*file[:number], changed, *file[number + 1 :]]) == number + 1
    assert refused([*file, file[-1]]) == len(file) + 1
    assert everything(elsewhere.database) == before


@pytest.mark.parametrize(
    ("kind", "change", "told"),
    [
        ("header", lambda line: line.update(version=2), "install a newer TED"),
        ("header", lambda line: line.update(format="other"), "no file of a bank"),
        ("bank", lambda line: line.update(retrieval={"k": 0}), "k is 0"),
        ("bank", lambda line: line.update(revision="7"), "'revision' is '7'"),
        ("bank", lambda line: line.update(flavour=1), "no field 'flavour'"),
        ("bank", lambda line: line.pop("name"), "'name' is missing"),
        ("image", lambda line: line.update(data="AAAA"), "image"),
        ("image", lambda line: line.update(data="*"), "no base64"),
        ("image", lambda line: line.update(sha256="0" * 64), "sha256"),
        ("revision", lambda line: line.update(revision=99), "is 99, but the bank is at"),
        ("experience", lambda line: line.update(status="famous"), "'status' is 'famous'"),
        ("experience", lambda line: line.update(pinned=1), "'pinned' is 1"),
        ("experience", lambda line: line.update(tags=[1]), "'tags' should be texts"),
        ("experience", lambda line: line.update(created_at="yesterday"), "no moment"),
        ("experience", lambda line: line.update(created_at="0001-01-01T00:00:00+14:00"), "no moment"),
        ("experience", lambda line: line.update(content="half of \ud83d"), "no JSON in UTF-8"),
        ("history", lambda line: line.update(provenance={"by": "\ud83d"}), "no JSON in UTF-8"),
        ("counter", lambda line: line.update(shown_correct=float("inf")), "no JSON"),
        ("experience", lambda line: line.update(version=2**80), "too large"),
        ("history", lambda line: line.update(experience_id="exp_0"), "nothing is said before"),
        ("lineage", lambda line: line.update(parent_id="exp_0"), "nothing is said before"),
        ("key", lambda line: line.update(kind="song"), "'kind' is 'song'"),
        ("key", lambda line: line.update(vectors=[]), "no object"),
        ("key", lambda line: line["vectors"].update(dict.fromkeys(line["vectors"], "AAAA")), "dimension"),
        ("counter", lambda line: line.update(shown=True), "'shown' is True"),
        ("exposure", lambda line: line.update(similarity="near"), "'similarity' is 'near'"),
        ("refusal", lambda line: line.update(answer=None), "'answer' is None"),
        ("end", lambda line: line.update(lines=3), "should be 3"),
    ],
)  # fmt: skip
async def test_a_line_that_says_what_cannot_be_is_refused_though_its_checksum_is_right(
    pictured: Store, elsewhere: Store, kind: str, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    await lived_in(pictured)
    number, file = forged(exported(pictured), kind, change)
    before = everything(elsewhere.database)

    with pytest.raises(BadBankFile) as refused:
        imported(elsewhere, file)

    if kind == "key" and "song" not in told:
        assert refused.value.line >= number
    else:
        assert refused.value.line == number
    assert told in str(refused.value)
    assert everything(elsewhere.database) == before


def test_not_a_number_is_no_json(elsewhere: Store) -> None:
    with pytest.raises(BadBankFile, match="line 1: is no JSON"):
        imported(elsewhere, [b'{"line": "header", "version": NaN}\n'])


async def test_the_file_is_json_that_others_can_read(pictured: Store) -> None:
    await lived_in(pictured)

    text = b"".join(exported(pictured)).decode()

    assert "ask for «proof»" in text
    assert [json.loads(line)["line"] for line in text.splitlines()][:2] == ["header", "bank"]
