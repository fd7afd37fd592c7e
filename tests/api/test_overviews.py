"""What the dashboard draws, over the API: rankings by utility, maps, days, what a job has of an item."""

from __future__ import annotations

import pytest

from tests.api_desk import Desk, check_problem
from tests.lived_in import live_in


@pytest.fixture
def lived(desk: Desk) -> Desk:
    """A desk whose bank has 40 more experiences, used for weeks."""
    bank = desk.service.ted.bank("desk")
    with desk.service.ted.database.writing() as session:
        bank._row(session).revision = 0
        from sqlalchemy import text

        session.execute(text("delete from revisions"))
    live_in(desk.service.ted.database, bank.id, experiences=40)
    return desk


def test_experiences_are_ranked_by_utility_page_by_page(lived: Desk) -> None:
    path = "/v1/admin/banks/desk/utilities"
    best = lived.client.get(path, params={"limit": 5}).json()
    rest = lived.client.get(path, params={"limit": 100, "after": best["data"][-1]["id"]}).json()
    worst = lived.client.get(path, params={"limit": 1, "order": "worst"}).json()

    ranking = [*best["data"], *rest["data"]]
    assert (best["before"], best["has_more"], rest["before"], rest["has_more"]) == (0, True, 5, False)
    assert best["total"] == len(ranking) == 24
    assert [e["utility"] for e in ranking] == sorted((e["utility"] for e in ranking), reverse=True)
    assert worst["data"] == ranking[-1:]
    told = lived.client.get("/v1/admin/banks/desk/stats").json()
    assert told["utility"]["top"] == ranking[:10]
    check_problem(lived.client.get(path, params={"after": "exp_none"}), 404, "not_found")


def test_a_map_and_days_are_told(lived: Desk) -> None:
    drawn = lived.client.get("/v1/admin/banks/desk/map").json()
    days = lived.client.get("/v1/admin/banks/desk/stats").json()["retrieval"]["by_day"]

    assert (drawn["active"], len(drawn["points"])) == (43, 43)
    assert all(-1 <= point[axis] <= 1 for point in drawn["points"] for axis in ("x", "y"))
    assert sum(day["questions"] for day in days) == 900
    assert all(day["hits"] + day["abstained"] == day["questions"] for day in days)


def test_experiences_that_were_never_used_are_listed(lived: Desk) -> None:
    assert len(lived.experiences(never_used=True, limit=100)) == 8 + 3


def test_what_a_job_has_of_an_item_is_told(desk: Desk) -> None:
    job = desk.distil(4).json()["id"]
    desk.ended(job)
    items = desk.client.get(f"/v1/jobs/{job}/items").json()["data"]

    told = [desk.client.get(f"/v1/jobs/{job}/items/{item['id']}").json() for item in items]

    assert [t["sample_id"] for t in told] == [item["sample_id"] for item in items]
    assert all(len(t["trajectories"]) == 2 for t in told)
    taught = [t for t in told if t["status"] == "done" and t["critique"]]
    assert taught
    for one in taught:
        assert one["solution"]["final_answer"].startswith("QX-")
        assert one["critique"]["findings"]
        assert one["answer"].startswith("QX-")
    check_problem(desk.client.get(f"/v1/jobs/{job}/items/7:none"), 404, "not_found")
