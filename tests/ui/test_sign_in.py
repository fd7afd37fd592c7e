"""Signing in and out of the dashboard: what a cookie is worth, and what pages of other sites can do with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.ui.admission import next_page
from ted.bank.sessions import SessionStore
from ted.settings import Settings
from tests.browsing import SAME, Browser, check_page
from tests.keyed import Keyed
from tests.ui.conftest import House


def test_a_page_sends_who_has_not_signed_in_to_the_form_and_back(still: House) -> None:
    browser = Browser.of(still.service)

    asked = browser.get("/ui/jobs?status=failed")
    form = browser.get(asked.headers["Location"])
    signed = browser.post("/ui/sign-in", {"key": still.secret, "next": "/ui/jobs?status=failed"})

    assert (asked.status_code, asked.headers["Location"]) == (
        303,
        "/ui/sign-in?next=%2Fui%2Fjobs%3Fstatus%3Dfailed",
    )
    assert 'value="/ui/jobs?status=failed"' in check_page(form)
    assert (signed.status_code, signed.headers["Location"]) == (303, "/ui/jobs?status=failed")
    assert browser.get("/ui/banks").status_code == 200


def test_the_cookie_is_for_the_dashboard_alone_and_tells_nothing_of_the_key(still: House) -> None:
    browser = Browser.of(still.service)

    response = browser.post("/ui/sign-in", {"key": still.secret})

    cookie = response.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/ui", "Max-Age=43200"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert still.secret not in cookie
    token = browser.client.cookies["ted_session"]
    assert browser.client.get("/v1/banks").status_code == 401
    assert still.service.send(token, "GET", "/v1/banks").status_code == 401
    assert browser.client.get("/v1/banks", headers={"Cookie": f"ted_session={token}"}).status_code == 401


def test_over_https_the_cookie_is_secure(still: House) -> None:
    client = TestClient(still.service.client.app, base_url="https://ted.example", follow_redirects=False)

    response = client.post(
        "/ui/sign-in", data={"key": still.secret}, headers={"Origin": "https://ted.example"}
    )

    assert "Secure" in response.headers["Set-Cookie"]


@pytest.mark.parametrize("key", ["", "ted_unknown", "x" * 5_000, "'\"><script>"])
def test_a_key_that_does_not_work_gets_the_form_again(still: House, key: str) -> None:
    browser = Browser.of(still.service)

    response = browser.post("/ui/sign-in", {"key": key})

    assert "works no more" in check_page(response, 401)
    assert "Set-Cookie" not in response.headers


def test_who_signs_out_is_out_wherever_the_cookie_is(house: House) -> None:
    token = house.browser.client.cookies["ted_session"]

    out = house.browser.post("/ui/sign-out")

    assert (out.status_code, out.headers["Location"]) == (303, "/ui/sign-in")
    elsewhere = Browser.of(house.service)
    elsewhere.client.cookies.set("ted_session", token, path="/ui")
    assert elsewhere.get("/ui/banks").status_code == 303


def test_a_session_ends_with_its_key_and_with_its_time(house: House) -> None:
    key, secret = house.service.key("answer")
    browser = Browser.of(house.service).signed_in(secret)
    store = SessionStore(house.service.service.ted.database)
    over = store.open(key, lasts=timedelta(seconds=-1))
    assert browser.get("/ui/banks").status_code == 200

    house.service.keys.revoke(key.id)
    house.service.service.keyring.forget()

    assert browser.get("/ui/banks").status_code == 303
    assert store.key_of(over) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", **SAME},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/ui/sign-in", "/ui/sign-out", "/ui/feedback"])
def test_a_page_of_another_site_changes_nothing(still: House, headers: dict[str, str], path: str) -> None:
    response = still.browser.client.post(path, data={"key": still.secret}, headers=headers)

    assert "not made by a page of this server" in check_page(response, 403)
    assert still.browser.get("/ui/banks").status_code == 200


def test_what_a_browser_says_of_the_same_site_is_believed(still: House) -> None:
    browser = Browser.of(still.service)

    response = browser.client.post(
        "/ui/sign-in", data={"key": still.secret}, headers={"Sec-Fetch-Site": "same-origin"}
    )

    assert response.status_code == 303


@pytest.mark.parametrize(
    "asked",
    [
        "https://evil.example/ui",
        "//evil.example/ui",
        "/\\evil.example",
        "/v1/banks",
        "",
        "javascript:x",
        "/uix",
    ],
)
def test_signing_in_leads_to_a_page_of_the_dashboard(asked: str) -> None:
    assert next_page(asked) == "/ui"


def test_htmx_is_sent_to_the_form_as_a_whole(still: House) -> None:
    response = Browser.of(still.service).get("/ui/banks", headers={"HX-Request": "true"})

    assert (response.status_code, response.headers["HX-Redirect"]) == (200, "/ui/sign-in")


def test_an_open_service_asks_nobody_to_sign_in(settings: Settings) -> None:
    with TestClient(create_app(settings), follow_redirects=False) as client:
        assert client.get("/ui/sign-in").headers["Location"] == "/ui/banks"
        assert "open: no key is asked for" in check_page(client.get("/ui/banks"))
        assert client.post("/ui/feedback", data={}).status_code == 403


def test_static_files_need_no_key_and_bind_the_browser(still: House) -> None:
    for name in ("ted.css", "ted.js", "htmx.min.js", "ted.svg"):
        response = Browser.of(still.service).get(f"/ui/static/{name}")

        assert response.status_code == 200
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert Browser.of(still.service).get("/ui/static/../admission.py").status_code != 200


def test_what_is_not_there_is_a_page_too(still: House) -> None:
    response = still.browser.get("/ui/nothing")

    check_page(response, 404)


def test_a_key_that_has_used_its_requests_is_told_so_in_a_page(service: Keyed) -> None:
    browser = Browser.of(service).signed_in(service.limited(requests_per_minute=1)[1])
    assert browser.get("/ui/banks").status_code == 200

    response = browser.get("/ui/banks")

    assert "requests of a minute" in check_page(response, 429)
