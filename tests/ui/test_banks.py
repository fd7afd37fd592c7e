"""The pages of banks: what they show, to whom, and that hostile texts stay texts."""

from __future__ import annotations

import pytest

from tests.browsing import check_page
from tests.keyed import Tenant
from tests.ui.conftest import HOSTILE, House


def test_the_banks_are_listed_with_their_size_and_what_they_are_worth(still: House) -> None:
    text = check_page(still.browser.get("/ui/banks"))

    assert ">desk</a>" in text
    assert "3 of 200" in text
    assert "nothing graded on both sides yet" in text
    assert '<span class="tag">none</span>' in text


def test_a_bank_is_shown_with_its_figures(house: House) -> None:
    house.desk.ask()
    house.desk.ask(min_similarity=2)

    text = check_page(house.browser.get(house.bank))

    assert "Active experiences by revision: 3 at revision 1" in text
    assert "2 questions, 1 with experiences, 1 without" in text
    assert text.count('<circle class="unknown"') == 3 + 1  # and the legend's
    assert "50.0 %" in text
    assert "openai/student" in text


def test_a_bank_is_also_found_by_its_name(still: House) -> None:
    check_page(still.browser.get("/ui/banks/desk"))


def test_a_key_without_admin_sees_no_figures_of_use_and_cost(still: House) -> None:
    browser = still.with_scopes("answer")

    listed, shown = check_page(browser.get("/ui/banks")), check_page(browser.get(still.bank))

    for text in (listed, shown):
        assert "are for keys with the scope admin" in text
        assert "Cost" not in text.replace("Figures of use and cost", "")
    assert "Distil" not in shown
    assert "<circle" not in shown
    assert browser.get(f"{still.bank}/near-duplicates").status_code == 403
    assert "/ui/jobs" not in shown


def test_a_key_for_feedback_alone_is_told_what_it_lacks(still: House) -> None:
    response = still.with_scopes("feedback").get("/ui/banks")

    assert "takes a key with the scope" in check_page(response, 403)


def test_hostile_texts_stay_texts_on_every_page_of_a_bank(house: House) -> None:
    told = {"when_to_use": HOSTILE, "content": HOSTILE, "questions": [HOSTILE], "tags": ["<b>&\"'"]}
    made = house.desk.client.post(f"{house.desk.path}/experiences", json=told).json()["id"]
    house.desk.client.patch(
        house.desk.path, json={"name": HOSTILE[:60], "description": HOSTILE}
    ).raise_for_status()
    changed = {"content": HOSTILE + " again"}
    house.desk.client.patch(
        f"{house.bank.replace('/ui', '/v1')}/experiences/{made}", json=changed
    ).raise_for_status()

    for path in ("", "/experiences", f"/experiences/{made}", "/near-duplicates", "/review", "/distil"):
        text = check_page(house.browser.get(house.bank + path))

        assert "<script>alert" not in text
        assert "<img src=x" not in text
    assert "&lt;script&gt;alert" in text


def test_near_duplicates_are_shown_as_a_part_for_htmx_and_as_a_page(house: House) -> None:
    twins = [{"when_to_use": "A badge was lost.", "content": "Lost badges go to FX-44."}]
    house.desk.client.post(f"{house.desk.path}/experiences", json={"experiences": twins}).raise_for_status()
    path = f"{house.bank}/near-duplicates"

    part, whole = house.browser.get(path, headers={"HX-Request": "true"}), house.browser.get(path)

    assert part.text.startswith('<div id="near-duplicates">')
    assert "1 cluster of experiences" in part.text
    assert "1 cluster of experiences" in check_page(whole)


def test_the_ranking_is_a_part_by_itself(house: House) -> None:
    headers = {"HX-Request": "true", "HX-Target": "ranking"}

    response = house.browser.get(f"{house.bank}?ranking=best", headers=headers)

    assert response.text.strip().startswith('<div id="ranking">')


@pytest.mark.parametrize("path", ["", "/experiences", "/review", "/distil", "/near-duplicates"])
def test_another_projects_bank_is_not_there(still: House, theirs: Tenant, path: str) -> None:
    for name in (theirs.names["bank"], theirs.names["bank_name"]):
        response = still.browser.get(f"/ui/banks/{name}{path}")

        assert theirs.names["bank"] not in check_page(response, 404).replace(name, "")
    assert "desk of theirs" not in still.browser.get("/ui/banks").text
