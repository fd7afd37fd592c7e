"""Lists under any filter, in pages of any size: each entry that fits comes once, and no other; any query is answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.app import create_app
from tests.api.conftest import settings_at
from tests.api_desk import Desk
from tests.blanks import Blank
from tests.upstream import Upstream

STATUSES = ("active", "candidate", "retired", "rejected")
TAGS = ("desks", "Desks", "a b", "50%", "_", "", 'quo"ted', "ä")
COUNT = 20
"""Beside the three that the desk has."""
FILTERS = st.fixed_dictionaries(
    {},
    optional={"status": st.sampled_from(STATUSES), "tag": st.sampled_from(TAGS) | st.text(max_size=100)},
)
ANYTHING = (
    st.text(max_size=40) | st.integers().map(str) | st.sampled_from(["", "null", "active", "asc", "%00"])
)
NAMES = (
    "after",
    "before",
    "limit",
    "order",
    "status",
    "tag",
    "bank",
    "purpose",
    "project",
    "since",
    "reviewed",
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, blank: Blank, provider: Upstream) -> Iterator[Desk]:
    """A bank with experiences of all statuses and tags."""
    settings_of = settings_at(tmp_path_factory.mktemp("lists"), blank, provider)
    with TestClient(create_app(settings_of), raise_server_exceptions=False) as running:
        made = Desk(running).made()
        for n in range(COUNT):
            tags = [tag for bit, tag in enumerate(tag for tag in TAGS if tag) if n >> (bit % 5) & 1]
            lesson = {"when_to_use": f"case {n}", "content": f"Do {n}.", "tags": tags}
            running.post(f"{made.path}/experiences", json={"experiences": [lesson]}).raise_for_status()
        for n, entry in enumerate(listed(made, limit=100)[0]):
            status = {"status": STATUSES[n % len(STATUSES)]}
            running.patch(f"{made.path}/experiences/{entry['id']}", json=status).raise_for_status()
        yield made


def listed(desk: Desk, **query: Any) -> tuple[list[dict[str, Any]], bool]:
    response = desk.client.get(f"{desk.path}/experiences", params=query)
    assert response.status_code == 200, response.text
    return response.json()["data"], response.json()["has_more"]


@given(chosen=FILTERS, limit=st.integers(1, 30), order=st.sampled_from(["asc", "desc"]), way=st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_pages_of_a_filter_are_what_fits_it_once_and_in_order(
    desk: Desk, chosen: dict[str, str], limit: int, order: str, way: bool
) -> None:
    """From the front by `after`, or from the back by `before`."""
    everything, _ = listed(desk, limit=100)
    fitting = [
        entry["id"]
        for entry in everything
        if chosen.get("status") in (None, entry["status"])
        and ("tag" not in chosen or chosen["tag"] in entry["tags"])
    ]
    wanted = fitting if order == "asc" else fitting[::-1]

    seen: list[str] = []
    cursor = {"before": "~" if order == "asc" else "!"} if way else {}
    while True:
        data, more = listed(desk, **chosen, limit=limit, order=order, **cursor)
        ids = [entry["id"] for entry in data]
        assert len(ids) <= limit
        seen = ids + seen if way else seen + ids
        if not more:
            break
        cursor = {"before": ids[0]} if way else {"after": ids[-1]}

    assert len(everything) == COUNT + 3
    assert seen == wanted


@given(query=st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=5), data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_query_of_any_list_is_answered_or_refused(
    desk: Desk, query: dict[str, str], data: st.DataObject
) -> None:
    path = data.draw(
        st.sampled_from(
            [
                f"{desk.path}/experiences",
                f"{desk.path}/feedback",
                f"{desk.path}/revisions",
                "/v1/banks",
                "/v1/jobs",
                "/v1/files",
                "/v1/admin/keys",
                "/v1/admin/usage",
            ]
        )
    )

    response = desk.client.get(path, params=query)

    assert response.status_code in (200, 404, 422), response.text
    if response.status_code != 200:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["code"]
