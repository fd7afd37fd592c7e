"""Pages of the dashboard under made-up queries, names and forms: answered or refused in a page, never a defect."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.scopes import UI_NEEDS
from tests.browsing import check_page
from tests.ui.conftest import House, still

__all__ = ["still"]

FAST = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
WORDS = st.text(max_size=40) | st.sampled_from(
    [
        "",
        "null",
        "active",
        "best",
        "-1",
        "NaN",
        "1e999",
        "\0",
        "%00",
        "ä",
        "<script>alert(1)</script>",
        "save",
        "start",
    ]
)
QUERIES = st.dictionaries(
    st.sampled_from(["after", "before", "status", "tag", "ranking", "queue", "bank", "never_used", "next"]),
    WORDS,
    max_size=4,
)
FORMS = st.dictionaries(
    st.sampled_from(
        [
            *(
                "do",
                "tag",
                "back",
                "when_to_use",
                "content",
                "tags",
                "bank",
                "question",
                "teacher",
                "answer_id",
            ),
            *("verdict", "reference", "file_id", "profile", "gate", "trajectories", "epochs", "batch_size"),
            *("compress_every", "budget_usd", "budget_tokens", "budget_calls"),
        ]
    ),
    WORDS,
    max_size=8,
)
STATUSES = (200, 303, 307, 404, 405, 409, 412, 422)
AWAY = (303, 307)
PAGES = sorted(path for method, path in UI_NEEDS if method == "GET" and not path.endswith("/near-duplicates"))
ACTS = sorted(path for method, path in UI_NEEDS if method == "POST" and path != "/ui/sign-out")


def named(house: House, template: str, draw: st.DataObject) -> str:
    """The path, with names that exist and others."""
    (one, *_) = house.desk.experiences()
    there = {"{bank}": "desk", "{experience_id}": one["id"], "{action}": "pause"}
    for name in ("{bank}", "{experience_id}", "{job_id}", "{answer_id}", "{sha256}", "{action}"):
        if name in template:
            word = draw.draw(
                st.sampled_from([there.get(name, "x"), "job_x", "%00", "%C3%A4", "..%2F", "x" * 300])
            )
            template = template.replace(name, word)
    return template


@pytest.mark.parametrize("template", PAGES)
@given(query=QUERIES, draw=st.data())
@FAST
def test_any_query_of_any_page_is_answered_or_refused(
    still: House, template: str, query: dict[str, str], draw: st.DataObject
) -> None:
    response = still.browser.get(named(still, template, draw), params=query)

    assert response.status_code in STATUSES, response.text
    if response.status_code not in AWAY:
        assert "<script>alert" not in check_page(response, response.status_code)


@pytest.mark.parametrize("template", ACTS)
@given(form=FORMS, draw=st.data())
@FAST
def test_any_form_of_any_page_is_answered_or_refused(
    still: House, template: str, form: dict[str, str], draw: st.DataObject
) -> None:
    response = still.browser.post(named(still, template, draw), form)

    assert response.status_code in STATUSES, response.text
    if response.status_code not in AWAY:
        assert "<script>alert" not in check_page(response, response.status_code)
