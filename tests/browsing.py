"""The dashboard as a browser has it, for tests: signed in with a key, sending what a browser sends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from fastapi.testclient import TestClient
from httpx import Response

from tests.keyed import Keyed

ORIGIN = "http://testserver"
SAME = {"Origin": ORIGIN}


@dataclass(frozen=True, slots=True)
class Browser:
    """A client with cookies of its own."""

    client: TestClient

    @staticmethod
    def of(service: Keyed) -> Browser:
        """One that nobody has signed in with."""
        return Browser(TestClient(service.client.app, raise_server_exceptions=False, follow_redirects=False))

    def signed_in(self, secret: str) -> Browser:
        """With this key."""
        response = self.client.post("/ui/sign-in", data={"key": secret}, headers=SAME)
        assert response.status_code == 303, response.text
        return self

    def get(self, path: str, **more: Any) -> Response:
        """A page."""
        return self.client.get(path, **more)

    def post(self, path: str, data: Any = None, **more: Any) -> Response:
        """A form of a page of the dashboard."""
        headers = SAME | more.pop("headers", {})
        return self.client.post(path, data=data or {}, headers=headers, **more)


def check_page(response: Response, status: int = 200) -> str:
    """A whole page of this status that keeps to its own policy: no script or style in it, every control has a name."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"].startswith("text/html"), response.text
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    text = response.text
    page = _Page()
    page.feed(text)
    assert page.offences == []
    assert page.landmarks >= {"main", "title", "h1"}, text[:400]
    unnamed = [i for i in page.controls if i not in page.labels]
    assert unnamed == []
    assert len(page.ids) == len(set(page.ids)), sorted(i for i in page.ids if page.ids.count(i) > 1)
    return text


class _Page(HTMLParser):
    """What a page has that it must not have, or must."""

    def __init__(self) -> None:
        super().__init__()
        self.offences: list[str] = []
        self.landmarks: set[str] = set()
        self.controls: list[str | None] = []
        self.labels: set[str | None] = set()
        self.ids: list[str] = []
        self._depth: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.landmarks.add(tag)
        if "id" in given:
            self.ids.append(str(given["id"]))
        self.offences += [f"{tag} {n}" for n in given if n == "style" or re.match(r"on[a-z]", n)]
        if tag in ("style", "iframe", "object") or (tag == "script" and not given.get("src")):
            self.offences.append(tag)
        for name in ("src", "href", "action", "hx-get", "hx-post"):
            target = str(given.get(name, ""))
            if re.match(r"(?:[a-z]+:)?//|javascript:|data:text", target):
                self.offences.append(f"{tag} {name}={target}")
        if tag == "label":
            self.labels.add(given.get("for"))
            self._depth.append(tag)
        elif tag in ("input", "select", "textarea") and given.get("type") not in ("hidden", "submit"):
            named = "label" in self._depth or "aria-label" in given
            self.controls += [] if named else [given.get("id")]

    def handle_endtag(self, tag: str) -> None:
        if tag == "label" and self._depth:
            self._depth.pop()
