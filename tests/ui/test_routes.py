"""Every page of the dashboard: who may open it, that it needs a session, and what a project does not see."""

from __future__ import annotations

from typing import Any

import pytest

from api.scopes import NEEDS, UI_NEEDS
from api.ui.routes import PAGES
from ted.bank.keys import SCOPES
from tests.browsing import Browser, check_page
from tests.keyed import Tenant
from tests.ui.conftest import House

PUBLIC = {("GET", "/ui/sign-in"), ("POST", "/ui/sign-in")}

NAMED = {"{action}": "pause", "{item_id}": "0:s00"}


def routes() -> set[tuple[str, str]]:
    found = {(method, r.path) for module in PAGES for r in module.router.routes for method in r.methods}  # type: ignore[attr-defined]
    return found - PUBLIC


def filled(template: str, names: dict[str, str]) -> str:
    for name, value in (NAMED | {"{" + n + "}": v for n, v in names.items()}).items():
        template = template.replace(name, value)
    return template


def send(browser: Browser, route: tuple[str, str], names: dict[str, str], **more: Any) -> Any:
    path = filled(route[1], names)
    return browser.get(path, **more) if route[0] == "GET" else browser.post(path, **more)


def test_every_page_has_a_row_in_the_table_of_scopes() -> None:
    assert routes() == set(UI_NEEDS)
    assert not set(UI_NEEDS) & set(NEEDS)


@pytest.mark.parametrize("route", sorted(UI_NEEDS))
def test_a_page_needs_a_session(still: House, theirs: Tenant, route: tuple[str, str]) -> None:
    response = send(Browser.of(still.service), route, theirs.names)

    assert (response.status_code, response.text) == (303, "")
    assert response.headers["Location"].startswith("/ui/sign-in")


@pytest.mark.parametrize("route", sorted(UI_NEEDS))
def test_a_key_of_one_scope_may_what_the_table_says_and_nothing_else(
    still: House, theirs: Tenant, singles: dict[str, Browser], route: tuple[str, str]
) -> None:
    if route[1] == "/ui/sign-out":
        return
    for scope, browser in singles.items():
        response = send(browser, route, theirs.names)

        allowed = scope in UI_NEEDS[route]
        assert (response.status_code != 403) == allowed, (scope, response.text)


@pytest.mark.parametrize("route", sorted(r for r in UI_NEEDS if "{" in r[1]))
def test_what_is_another_projects_is_not_there(still: House, theirs: Tenant, route: tuple[str, str]) -> None:
    response = send(still.browser, route, theirs.names)

    check_page(response, 404)
    asked = filled(route[1], theirs.names)
    told = [n for n in theirs.names.values() if n in response.text and n not in asked]
    assert told == []


@pytest.fixture(scope="session")
def singles(still: House) -> dict[str, Browser]:
    """A browser for each scope alone."""
    return {scope: still.with_scopes(scope) for scope in SCOPES}
