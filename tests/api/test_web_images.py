"""Images of the web over HTTP: off by default, and when on, wherever a request may name an image."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from ted.errors import BadSetting
from ted.settings import Settings, read_settings
from tests.api_desk import Desk, check_problem
from tests.web_server import PICTURE, WebServer, web_server


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture
def fetching(settings: Settings, web: WebServer) -> Iterator[Desk]:
    """The service, with loopback allowed for images."""
    on = {"fetch_images": True, "fetch_images_from": ("127.0.0.0/8",), "fetch_images_ports": (web.port,)}
    with TestClient(create_app(settings.model_copy(update=on)), raise_server_exceptions=False) as running:
        yield Desk(running).made()


def asked(url: str) -> list[dict[str, object]]:
    parts = [
        {"type": "text", "text": "Which queue?"},
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
    ]
    return [{"role": "user", "content": parts}]


def test_nothing_is_fetched_by_default(still_desk: Desk, web: WebServer) -> None:
    before, url = len(web.seen), web.url("picture.png")
    sample = {"question": "q", "answer": "a", "images": [url]}
    chat = {"model": "openai/student@desk", "messages": asked(url)}

    answer = still_desk.ask(images=[url])
    told = check_problem(answer, 422, "invalid_field", ["body", "images", 0])["detail"]
    assert "set TED_FETCH_IMAGES" in told
    found = still_desk.client.post(f"{still_desk.path}/retrieve", json={"question": "q", "images": [url]})
    check_problem(found, 422, "invalid_field", ["body", "images", 0])
    check_problem(
        still_desk.client.post("/v1/chat/completions", json=chat),
        422,
        "invalid_field",
        ["body", "messages", 0, "content", 1, "image_url", "url"],
    )
    job = still_desk.client.post(f"{still_desk.path}/distillations", json={"samples": [sample]})
    check_problem(job, 422, "invalid_samples", ["body", "samples", 0, "images", 0])
    assert len(web.seen) == before


def test_an_image_is_fetched_wherever_a_request_names_one(fetching: Desk, web: WebServer) -> None:
    url, client = web.url("picture.png"), fetching.client
    sample = {"question": "Ticket s01: what is it?", "answer": "QX-424", "images": [url]}
    lines = json.dumps(sample).encode()

    answer = fetching.ask(images=[url]).json()
    found = client.post(f"{fetching.path}/retrieve", json={"question": "q", "images": [url]})
    job = client.post(f"{fetching.path}/distillations", json={"samples": [sample], "trajectories": 1}).json()
    file = client.post("/v1/files", files={"file": ("a.jsonl", lines)}).json()

    assert len(answer["images"]) == 1
    assert found.status_code == 200
    (kept,) = fetching.service.ted.jobs.samples(job["id"])
    assert kept.question.images[0].data == PICTURE
    assert file["samples"] == 1
    fetching.ended(job["id"])


def test_the_provider_is_sent_the_bytes_and_not_the_url(fetching: Desk, web: WebServer) -> None:
    chat = {"model": "openai/student@desk", "messages": asked(web.url("picture.png"))}
    sent = []
    model = fetching.service.completions
    whole = model.completion

    async def heard(request):  # type: ignore[no-untyped-def]
        sent.append(request.messages)
        return await whole(request)

    model.completion = heard  # type: ignore[method-assign]
    response = fetching.client.post("/v1/chat/completions", json=chat)

    assert response.status_code == 200, response.text
    described = sent[0][-1]["content"][1]["image_url"]
    data = base64.b64encode(PICTURE).decode()
    assert described == {"url": f"data:image/png;base64,{data}", "detail": "low"}


def test_what_cannot_be_fetched_is_told_by_its_place(fetching: Desk, web: WebServer) -> None:
    before = len(web.seen)
    for url in ("http://10.0.0.1/a.png", f"http://[::ffff:127.0.0.1]:{web.port}/picture.png"):
        response = fetching.ask(images=[url])
        check_problem(response, 422, "invalid_field", ["body", "images", 0])
    bad = {"question": "q", "answer": "a", "images": [web.url("page")]}
    line = json.dumps(bad).encode()
    check_problem(
        fetching.client.post("/v1/files", files={"file": ("a.jsonl", line)}),
        422,
        "invalid_samples",
        ["file", 1, "images", 0],
    )
    assert len(web.seen) == before + 1


def test_the_settings_are_lists_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TED_FETCH_IMAGES_FROM", "127.0.0.0/8, images.internal")
    monkeypatch.setenv("TED_FETCH_IMAGES_PORTS", "80,8080")

    settings = read_settings()

    assert settings.fetch_images_from == ("127.0.0.0/8", "images.internal")
    assert (settings.fetch_images, settings.fetch_images_ports) == (False, (80, 8080))
    monkeypatch.setenv("TED_FETCH_IMAGES_PORTS", "http")
    with pytest.raises(BadSetting, match="TED_FETCH_IMAGES_PORTS"):
        read_settings()
