"""The pages of experiences: where they come from, how they changed, and what is done to them by hand."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ted.bank.changes import Change, Occasion
from ted.operations import Merge
from tests.browsing import check_page
from tests.drawings import draw
from tests.keyed import Tenant
from tests.ui.conftest import HOSTILE, House

PICTURE = draw("red", "circle", seed=1)


def first(house: House) -> str:
    """The path of the page of one experience."""
    (one, *_) = house.desk.experiences(status="active")
    return f"{house.bank}/experiences/{one['id']}"


def state(house: House, path: str) -> Any:
    return house.desk.client.get(path.replace("/ui/", "/v1/")).json()


def test_experiences_are_listed_by_status_tag_and_whether_they_were_ever_used(house: House) -> None:
    house.desk.ask()
    path = f"{house.bank}/experiences"

    by_tag = check_page(house.browser.get(f"{path}?tag=printers&status="))
    unused = check_page(house.browser.get(f"{path}?never_used=true&status=active"))
    none = check_page(house.browser.get(f"{path}?status=retired"))

    assert ("A printer is jammed" in by_tag, "A badge was lost" in by_tag) == (True, False)
    assert ("A printer is jammed" in unused, "A badge was lost" in unused) == (False, True)
    assert "None of this kind" in none


def test_the_form_of_the_list_sends_what_it_shows(still: House) -> None:
    check_page(still.browser.get(f"{still.bank}/experiences?status=&tag="))


def test_lists_are_turned_over_page_by_page(house: House) -> None:
    more = [{"when_to_use": f"Case {n:02d}.", "content": "Do."} for n in range(45)]
    house.desk.client.post(f"{house.desk.path}/experiences", json={"experiences": more}).raise_for_status()
    seen, path = list[str](), f"{house.bank}/experiences"
    pages = list[str]()

    while path:
        text = check_page(house.browser.get(path))
        pages.append(path)
        seen += [line for line in text.split("\n") if '<tr><th scope="row"' in line]
        _, there, rest = text.partition('rel="next" href="')
        path = rest.partition('"')[0].replace("&amp;", "&") if there else ""

    assert (len(pages), len(seen), len(set(seen))) == (3, 48, 48)
    back = check_page(house.browser.get(pages[-1])).partition('rel="prev" href="')[2].partition('"')[0]
    assert check_page(house.browser.get(back.replace("&amp;", "&"))).count('<tr><th scope="row"') == 20


def test_an_experience_is_shown_with_its_keys_and_pictures(house: House) -> None:
    url = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"
    sent = {"when_to_use": "A red circle.", "content": "Stop.", "images": [url], "questions": ["What now?"]}
    made = house.desk.client.post(f"{house.desk.path}/experiences", json=sent).json()
    path = f"{house.bank}/experiences/{made['id']}"

    text = check_page(house.browser.get(path))
    source = text.partition('<img class="picture" src="')[2].partition('"')[0]
    image = house.browser.get(source)
    same = house.desk.client.get(source.replace("/ui/", "/v1/"))

    assert "What now?" in text
    assert (image.content, image.headers["Content-Type"]) == (PICTURE, "image/png")
    assert image.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert same.content == PICTURE
    other = first(house)
    assert house.browser.get(f"{other}/images/{source.rpartition('/')[2]}").status_code == 404


def test_a_text_is_edited_and_its_history_tells_what_changed(house: House) -> None:
    path = first(house)
    tag = house.browser.get(path).text.partition('name="tag" value="')[2].partition('"')[0]
    told = {
        "when_to_use": "A printer is jammed or on fire.",
        "content": "Line one.\r\nLine two.",
        "tags": "a, b",
    }

    response = house.browser.post(path, {"do": "save", "tag": tag, **told})
    text = check_page(house.browser.get(response.headers["Location"]))

    assert response.status_code == 303
    assert state(house, path)["content"] == "Line one.\nLine two."
    assert state(house, path)["tags"] == ["a", "b"]
    assert "<del>offline</del><ins>on fire</ins>" in text.replace("</ins><ins>", "").replace(
        "</del><del>", ""
    )


def test_what_changed_meanwhile_is_not_written_over(house: House) -> None:
    path = first(house)
    tag = house.browser.get(path).text.partition('name="tag" value="')[2].partition('"')[0]
    house.browser.post(path, {"do": "pin", "tag": tag})

    response = house.browser.post(path, {"do": "retire", "tag": tag})

    check_page(response, 412)
    assert (state(house, path)["status"], state(house, path)["pinned"]) == ("active", True)


@pytest.mark.parametrize(
    "sent", [{"when_to_use": " ", "content": "x"}, {"when_to_use": "x" * 4_001, "content": "x"}]
)
def test_a_text_that_cannot_be_is_refused_with_its_field(house: House, sent: dict[str, str]) -> None:
    response = house.browser.post(first(house), {"do": "save", **sent})

    assert "when_to_use" in check_page(response, 422)


def test_an_experience_is_pinned_retired_restored(house: House) -> None:
    path, told = first(house), list[tuple[str, bool]]()

    for do in ("pin", "unpin", "retire", "restore"):
        assert house.browser.post(path, {"do": do}).status_code == 303
        told.append((state(house, path)["status"], state(house, path)["pinned"]))

    assert told == [("active", True), ("active", False), ("retired", False), ("active", False)]
    check_page(house.browser.post(path, {"do": "explode"}), 422)


def test_what_waits_is_reviewed(house: House) -> None:
    one, two, _ = house.desk.experiences()
    for experience in (one, two):
        path = f"{house.desk.path}/experiences/{experience['id']}"
        house.desk.client.patch(path, json={"status": "candidate"}).raise_for_status()
    queue = f"{house.bank}/review?queue=candidate"
    text = check_page(house.browser.get(queue))
    assert text.count('value="approve"') == 2

    approved = house.browser.post(f"{house.bank}/experiences/{one['id']}", {"do": "approve", "back": queue})
    house.browser.post(
        f"{house.bank}/experiences/{two['id']}", {"do": "reject", "back": "https://evil.example"}
    )

    assert approved.headers["Location"] == queue
    assert "Nothing waits here" in check_page(house.browser.get(queue))
    assert [e["status"] for e in house.desk.experiences()][:2] == ["active", "rejected"]


def test_references_of_feedback_are_accepted_and_rejected_as_they_were_shown(house: House) -> None:
    answers = [house.desk.ask(f"Which queue takes printer {n}?").json()["id"] for n in range(2)]
    for answer in answers:
        sent = {"answer_id": answer, "correct": False, "reference": HOSTILE}
        house.desk.client.post("/v1/feedback", json=sent).raise_for_status()
    text = check_page(house.browser.get(f"{house.bank}/review?queue=references"))
    assert "&lt;script&gt;" in text
    tag = text.partition('name="tag" value="')[2].partition('"')[0]

    stale = house.browser.post(f"{house.bank}/review/{answers[0]}", {"do": "accept", "tag": "other"})
    good = house.browser.post(f"{house.bank}/review/{answers[0]}", {"do": "accept", "tag": tag})
    house.browser.post(f"{house.bank}/review/{answers[1]}", {"do": "reject", "tag": tag})

    check_page(stale, 412)
    assert good.status_code == 303
    assert "Nothing waits here" in check_page(house.browser.get(f"{house.bank}/review?queue=references"))


def test_an_experience_of_a_distillation_tells_its_sample_trajectories_and_critique(house: House) -> None:
    house.desk.ended(house.desk.distil(4).json()["id"])
    made = [e for e in house.desk.experiences(limit=100) if e["student"]]

    text = check_page(house.browser.get(f"{house.bank}/experiences/{made[0]['id']}"))

    assert "Where it comes from" in text
    assert "Ticket s0" in text
    assert text.count("trajectory ") >= 2
    assert "The critique" in text
    reader = house.with_scopes("answer").get(f"{house.bank}/experiences/{made[0]['id']}")
    assert "Where it comes from" not in check_page(reader)
    assert "Edit</summary>" not in reader.text


async def test_a_merge_is_undone(house: House) -> None:
    bank = house.service.service.ted.bank("desk")
    one, two, _ = house.desk.experiences()
    operation = Merge((one["id"], two["id"]), "Printers and badges.", "To FX-31 or FX-44.")
    await bank.apply([Change(operation)], Occasion("api"))
    (merged,) = [e for e in house.desk.experiences(status="active") if e["content"] == operation.content]
    path = f"{house.bank}/experiences/{merged['id']}"
    text = check_page(house.browser.get(path))
    assert ("Merged from" in text, "Undo the merge" in text) == (True, True)
    assert "Merged into" in check_page(house.browser.get(f"{house.bank}/experiences/{one['id']}"))

    assert house.browser.post(f"{path}/unmerge").status_code == 303

    assert (state(house, path)["status"], state(house, path.replace(merged["id"], one["id"]))["status"]) == (
        "retired",
        "active",
    )
    check_page(house.browser.post(f"{path}/unmerge"), 409)


def test_what_is_another_projects_is_neither_shown_nor_changed(still: House, theirs: Tenant) -> None:
    theirs_id = theirs.names["experience_id"]

    for bank in (still.bank, f"/ui/banks/{theirs.names['bank']}"):
        path = f"{bank}/experiences/{theirs_id}"
        check_page(still.browser.get(path), 404)
        check_page(still.browser.post(path, {"do": "retire"}), 404)
        check_page(still.browser.post(f"{path}/unmerge"), 404)
        assert still.browser.get(f"{path}/images/{'0' * 64}").status_code == 404


def test_a_key_that_may_not_change_anything_changes_nothing(still: House) -> None:
    browser = still.with_scopes("answer")

    check_page(browser.post(first(still), {"do": "retire"}), 403)
    check_page(browser.get(f"{still.bank}/review"), 403)
    assert state(still, first(still))["status"] == "active"
