"""The playground: answers side by side, what was retrieved and sent, and grading by a click."""

from __future__ import annotations

import pytest

from tests.api_desk import QUESTION
from tests.browsing import check_page
from tests.drawings import draw
from tests.keyed import Tenant
from tests.ui.conftest import HOSTILE, House

HTMX = {"HX-Request": "true"}


def ask(house: House, question: str = QUESTION, **more: str) -> str:
    return check_page(house.browser.post("/ui/playground", {"bank": "desk", "question": question, **more}))


def test_a_question_is_answered_without_and_with_the_bank(house: House) -> None:
    text = ask(house)

    assert text.count('<p class="answer">FX-31</p>') == 2
    assert ("Student alone" in text, "With the bank" in text, "<h2>Teacher</h2>" in text) == (
        True,
        True,
        False,
    )
    assert "A printer is jammed or offline." in text
    assert '<span class="tag on">E1</span>' in text or "left out by chance" in text
    assert "&lt;experiences&gt;" in text or "E1. When" in text
    assert text.count("price not known") == 2


def test_the_teacher_is_asked_where_it_is_wanted_and_charged_as_solving(house: House) -> None:
    text = ask(house, teacher="true")

    assert "<h2>Teacher</h2>" in text
    usage = house.desk.client.get("/v1/admin/banks/desk/stats").json()["spending"]["by_role_and_model"]
    assert {(u["role"], u["model"]) for u in usage} == {
        ("student", "openai/student"),
        ("solve", "openai/teacher"),
    }


def test_a_key_for_answers_alone_does_not_spend_on_the_teacher(house: House) -> None:
    browser = house.with_scopes("answer")

    form = check_page(browser.get("/ui/playground"))
    text = check_page(
        browser.post("/ui/playground", {"bank": "desk", "question": QUESTION, "teacher": "true"})
    )

    assert 'name="teacher"' not in form
    assert "<h2>Teacher</h2>" not in text
    assert 'action="/ui/feedback"' not in text


def test_htmx_gets_the_answers_alone(house: House) -> None:
    sent = {"bank": "desk", "question": QUESTION}

    response = house.browser.post("/ui/playground", sent, headers=HTMX)

    assert response.text.startswith('<div class="sides">')


def test_an_image_goes_with_the_question(house: House) -> None:
    files = {"image": ("a.png", draw("red", "circle", seed=1), "image/png")}

    response = house.browser.post("/ui/playground", {"bank": "desk", "question": QUESTION}, files=files)

    assert "an image, " in check_page(response)


@pytest.mark.parametrize("bytes_", [b"no image", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"])
def test_what_is_no_image_is_refused(still: House, bytes_: bytes) -> None:
    files = {"image": ("a.png", bytes_, "image/png")}

    response = still.browser.post("/ui/playground", {"bank": "desk", "question": QUESTION}, files=files)

    check_page(response, 422)


def test_a_blank_question_is_refused_in_words(still: House) -> None:
    part = still.browser.post("/ui/playground", {"bank": "desk", "question": " "}, headers=HTMX)

    assert part.status_code == 422
    assert part.text.startswith('<div class="told alarm" role="alert">')


def test_a_provider_that_fails_is_told_beside_the_other_side(house: House) -> None:
    text = ask(house, "provider says 401")

    assert text.count('class="told alarm"') == 2


def test_what_a_model_and_a_stranger_wrote_stays_text(house: House) -> None:
    text = ask(house, f"{QUESTION} {HOSTILE}")

    assert "<script>alert" not in text


def test_an_answer_is_graded_by_a_click_and_graded_again(house: House) -> None:
    text = ask(house)
    answer = text.partition('name="answer_id" value="')[2].partition('"')[0]

    part = house.browser.post("/ui/feedback", {"answer_id": answer, "verdict": "right"}, headers=HTMX)
    whole = house.browser.post("/ui/feedback", {"answer_id": answer, "verdict": "wrong"})

    assert "Graded as <strong>right</strong>" in part.text
    assert (whole.status_code, whole.headers["Location"]) == (
        303,
        house.bank.replace("banks/", "playground?bank="),
    )
    kept = house.desk.client.get(f"/v1/answers/{answer}").json()["feedback"]
    assert kept["score"] == 0


def test_another_projects_bank_and_answer_are_not_there(still: House, theirs: Tenant) -> None:
    asked = {"bank": theirs.names["bank"], "question": QUESTION}
    graded = {"answer_id": theirs.names["answer_id"], "verdict": "wrong"}

    check_page(still.browser.post("/ui/playground", asked), 404)
    check_page(still.browser.get(f"/ui/playground?bank={theirs.names['bank']}"), 404)
    check_page(still.browser.post("/ui/feedback", graded), 404)
    assert "desk of theirs" not in check_page(still.browser.get("/ui/playground"))
