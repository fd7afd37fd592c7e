"""/healthz touches nothing; /readyz tells what is not ready."""

from __future__ import annotations

import time

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.app import create_app
from ted.settings import Settings
from tests.api_desk import Desk, check_problem


def ready(client: TestClient) -> None:
    for _ in range(200):
        if client.get("/readyz").status_code == 200:
            return
        time.sleep(0.02)
    raise AssertionError(client.get("/readyz").text)


def test_a_service_that_has_started_is_ready(still_desk: Desk) -> None:
    ready(still_desk.client)

    body = still_desk.client.get("/readyz").json()

    assert body == {
        "status": "ready",
        "checks": {"database": "ok", "embedder": "ok", "worker": "ok", "serving": "ok"},
    }


def test_without_its_schema_it_lives_and_is_not_ready(desk: Desk) -> None:
    ready(desk.client)
    with desk.service.ted.database.writing() as session:
        session.execute(text("update alembic_version set version_num = 'older'"))

    body = check_problem(desk.client.get("/readyz"), 503, "not_ready")

    assert body["checks"]["database"] == "its schema is not this version's"
    assert desk.client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("part", "state"),
    [("embedder", "loading"), ("embedder", "OSError: no file"), ("worker", "starting")],
)
def test_a_part_that_is_not_there_yet_is_told(desk: Desk, part: str, state: str) -> None:
    ready(desk.client)
    setattr(desk.service.state, part, state)

    response = desk.client.get("/readyz")

    assert state in check_problem(response, 503, "not_ready")["detail"]
    assert response.headers["Retry-After"] == "1"


def test_an_embedder_that_cannot_be_loaded_is_not_ready_and_says_why(settings: Settings) -> None:
    broken = settings.model_copy(update={"text_embedder": str(settings.data_dir / "nowhere")})

    with TestClient(create_app(broken)) as client:
        for _ in range(600):
            checks = client.get("/readyz").json()["checks"]
            if checks["embedder"] != "loading":
                break
            time.sleep(0.05)

    assert "nowhere" in checks["embedder"]
    assert checks["database"] == "ok"


def test_the_documentation_is_served(still_desk: Desk) -> None:
    page = still_desk.client.get("/docs")

    assert page.status_code == 200
    assert "/openapi.json" in page.text
