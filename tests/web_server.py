"""A server of images on loopback, some of which misbehave, in a thread of its own."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.drawings import draw

PICTURE = draw("red", "circle", seed=2)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        type(self).seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        with suppress(ConnectionError):
            self._answer(self.path.partition("?")[0])

    def _answer(self, path: str) -> None:
        match path.strip("/").split("/"):
            case ["picture.png"]:
                self._send(PICTURE)
            case ["unsaid"]:
                self._send(PICTURE, media_type=None)
            case ["page"]:
                self._send(PICTURE, media_type="text/html")
            case ["jpeg-they-say"]:
                self._send(PICTURE, media_type="image/jpeg")
            case ["text-as-png"]:
                self._send(b"<html>")
            case ["packed"]:
                self._send(gzip.compress(PICTURE), **{"Content-Encoding": "gzip"})
            case ["to", *target]:
                self._send(b"", 302, Location="/".join(target))
            case ["loop"]:
                self._send(b"", 302, Location="/loop", **{"Set-Cookie": "a=b"})
            case ["large"]:
                self._head(200, "image/png")
                for _ in range(10_000):
                    self.wfile.write(b"x" * 10_000)
            case ["dripping"]:
                self._head(200, "image/png")
                for _ in range(600):
                    self.wfile.write(b"x")
                    time.sleep(0.05)
            case _:
                self._send(b"", 404)

    def _send(
        self, body: bytes, status: int = 200, media_type: str | None = "image/png", **headers: str
    ) -> None:
        self._head(status, media_type, **headers | {"Content-Length": str(len(body))})
        self.wfile.write(body)

    def _head(self, status: int, media_type: str | None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if media_type is not None:
            self.send_header("Content-Type", media_type)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


class WebServer:
    """Where it is, and the paths and headers of what it was asked."""

    def __init__(self, port: int, seen: list[tuple[str, dict[str, str]]]) -> None:
        self.port, self.seen = port, seen

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{path}"


@contextmanager
def web_server() -> Iterator[WebServer]:
    """Runs until the block ends."""

    class Handler(_Handler):
        seen: list[tuple[str, dict[str, str]]] = []  # noqa: RUF012 - one a server

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield WebServer(server.server_address[1], Handler.seen)
    finally:
        server.shutdown()
        server.server_close()
