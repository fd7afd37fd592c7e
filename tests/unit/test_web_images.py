"""Images of the web: fetched from checked addresses only, however names, redirects and servers behave."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import httpcore
import pytest

from ted.addresses import Reach
from ted.errors import BadImage
from ted.images import ImageLimits
from ted.web_images import ImageReader, WebLimits
from tests.web_server import PICTURE, WebServer, web_server

PUBLIC = "93.184.216.34"
FOUND = b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


def here(web: WebServer, **more: Any) -> WebLimits:
    """Loopback is allowed, on the server's port."""
    return WebLimits(Reach.of(["127.0.0.0/8"], [web.port]), **more)


def reader(limits: WebLimits | None, *, max_bytes: int = 1_000_000, **more: Any) -> ImageReader:
    return ImageReader(ImageLimits(max_bytes=max_bytes), limits, **more)


class Wire(httpcore.MockBackend):
    """A network on which every server says the same; keeps the addresses that were connected to."""

    def __init__(self, *said: bytes) -> None:
        super().__init__(list(said))
        self.addresses: list[str] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self.addresses.append(host)
        return super().connect_tcp(host, port, timeout, local_address, socket_options)


class Names:
    """A resolver that gives its answers one after the other."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers.pop(0)


def test_an_image_of_a_listed_network_is_fetched_without_anything_of_ours(web: WebServer) -> None:
    image = reader(here(web)).read(web.url("picture.png?size=2#part"))

    assert (image.data, image.media_type) == (PICTURE, "image/png")
    path, headers = web.seen[-1]
    assert path == "/picture.png?size=2"
    assert set(headers) == {"host", "accept", "accept-encoding", "user-agent", "connection"}


def test_a_redirect_is_followed_without_cookies_and_an_unnamed_type_is_found_out(web: WebServer) -> None:
    assert reader(here(web)).read(web.url("to//unsaid")).sha256 == hashlib.sha256(PICTURE).hexdigest()
    with pytest.raises(BadImage, match="redirected more than 3 times"):
        reader(here(web)).read(web.url("loop"))
    assert all("cookie" not in headers for _, headers in web.seen)


@pytest.mark.parametrize("url", ["http://x.example/a.png", "HTTPS://x.example/a.png"])
def test_nothing_is_fetched_unless_it_is_switched_on(url: str) -> None:
    with pytest.raises(BadImage, match="TED_FETCH_IMAGES"):
        reader(None).read(url)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "2130706433", "0177.0.0.1", "0x7f.1", "127.1", "0", "0.0.0.0"),
        *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
        *("[::]", "[fe80::1]", "169.254.169.254", "10.0.0.1", "192.168.0.1"),
    ],
)
def test_no_form_of_an_address_that_is_not_public_is_connected_to(host: str) -> None:
    wire = Wire()

    with pytest.raises(BadImage, match=r"no public address|is not known|Invalid IPv4"):
        reader(WebLimits(), backend=wire).read(f"http://{host}/a.png")
    assert wire.addresses == []


def test_a_public_name_of_a_private_address_is_not_connected_to() -> None:
    names, wire = Names(["10.0.0.7", "fd00::1", "::ffff:93.184.216.34"]), Wire()

    with pytest.raises(BadImage, match=r"'images\.example' has no public address"):
        reader(WebLimits(), resolve=names, backend=wire).read("https://images.example/a.png")
    assert wire.addresses == []


def test_of_several_addresses_only_public_ones_are_connected_to() -> None:
    names, wire = Names(["10.0.0.7", PUBLIC]), Wire(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    with pytest.raises(BadImage, match="answered 404"):
        reader(WebLimits(), resolve=names, backend=wire).read("http://images.example/a.png")
    assert wire.addresses == [PUBLIC]


def test_a_name_that_turns_private_after_it_was_checked_gains_nothing() -> None:
    names, wire = Names([PUBLIC], ["127.0.0.1"]), Wire(FOUND % b"/again.png")

    with pytest.raises(BadImage, match="no public address"):
        reader(WebLimits(), resolve=names, backend=wire).read("http://images.example/a.png")

    assert (wire.addresses, names.asked) == ([PUBLIC], 2)  # once a connection, and to what was checked


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (b"http://10.0.0.1/a", "no public address"),
        (b"http://127.1/a", "no public address"),
        (b"//169.254.169.254/latest", "no public address"),
        (b"http://93.184.216.34:22/a", "port 22"),
        (b"file:///etc/passwd", "none of http"),
        (b"http://me:secret@93.184.216.34/a", "name or password"),
        (b"http://0177.0.0.1/a", "cannot be used"),
    ],
)
def test_a_redirect_is_checked_as_the_first_url_was(target: bytes, told: str) -> None:
    wire = Wire(FOUND % target)

    with pytest.raises(BadImage, match=told):
        reader(WebLimits(), backend=wire).read(f"http://{PUBLIC}/a.png")
    assert wire.addresses == [PUBLIC]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://user@x.example/a.png", "name or password"),
        ("http://:pw@x.example/a.png", "name or password"),
        ("http://x.example:6379/a.png", "port 6379"),
        ("https://x.example:80a/a.png", "cannot be used"),
        ("http:///a.png", "none of http"),
        ("http://x.example/" + "a" * 5_000, "more than 4,000 characters"),
        ("http://ex\x00ample/a.png", "cannot be used"),
        ("ftp://x.example/a.png", "no data URL"),
        ("file:///etc/passwd", "no data URL"),
    ],
)
def test_a_url_that_is_not_to_be_fetched_is_refused_before_anything_is_asked(url: str, told: str) -> None:
    names = Names()

    with pytest.raises(BadImage, match=told):
        reader(WebLimits(), resolve=names, backend=Wire()).read(url)
    assert names.asked == 0


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("large", "more than 50,000 bytes"),
        ("page", "said to be text/html"),
        ("jpeg-they-say", "labelled 'image/jpeg' but is image/png"),
        ("text-as-png", "no image of a known format"),
        ("packed", "compressed"),
        ("nothing", "answered 404"),
    ],
)
def test_what_is_no_image_within_the_bounds_is_refused(web: WebServer, path: str, told: str) -> None:
    with pytest.raises(BadImage, match=told):
        reader(here(web), max_bytes=50_000).read(web.url(path))


def test_an_image_that_drips_ends_at_the_deadline(web: WebServer) -> None:
    began = time.monotonic()

    with pytest.raises(BadImage, match="in time"):
        reader(here(web, seconds=0.3)).read(web.url("dripping"))

    assert time.monotonic() - began < 20  # it would drip for 30


def test_a_request_may_fetch_so_many_images_and_bytes(web: WebServer) -> None:
    few = reader(here(web, images=2))
    small = reader(replace(here(web), bytes=len(PICTURE) + 10))
    late = reader(here(web, request_seconds=0.0))

    few.read(web.url("picture.png"))
    few.read(web.url("picture.png"))
    small.read(web.url("picture.png"))
    for spent in (few, small, late):
        with pytest.raises(BadImage, match="send less at once"):
            spent.read(web.url("picture.png"))
