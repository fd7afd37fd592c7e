"""GET over HTTP from addresses that are checked when they are connected to, and within a deadline."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from ted.addresses import Reach, address_of
from ted.errors import Unreachable

Resolve = Callable[[str, int], Sequence[str]]
"""From a host and port to its addresses. Raises OSError."""

_HEADERS = {"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": "ted", "Connection": "close"}


def resolved(host: str, port: int) -> list[str]:
    """As the system resolves names, and whatever else it takes for an address: `0x7f.1`, `2130706433`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class GuardedBackend(httpcore.NetworkBackend):
    """Resolves a host, and connects to what was checked of it: a name that says something else later changes nothing.

    All that is done on its connections ends at the deadline (of `time.monotonic`), however slowly bytes drip.
    """

    def __init__(
        self,
        reach: Reach,
        *,
        deadline: float,
        resolve: Resolve = resolved,
        backend: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._reach, self._deadline, self._resolve = reach, deadline, resolve
        self._backend = backend or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        if port not in self._reach.ports:
            allowed = ", ".join(map(str, sorted(self._reach.ports)))
            raise Unreachable(f"port {port} is not to be connected to: allowed are {allowed}")
        try:
            addresses = [address_of(address) for address in self._resolve(host, port)]
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"the host '{host}' is not known") from error
        allowed_addresses = [address for address in addresses if self._reach.allows(host, address)]
        if not allowed_addresses:
            raise Unreachable(f"the host '{host}' has no public address")
        for address in allowed_addresses[:-1]:
            try:
                return self._connected(str(address), port, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._connected(str(allowed_addresses[-1]), port, socket_options)

    def _connected(
        self, address: str, port: int, socket_options: Iterable[Any] | None
    ) -> httpcore.NetworkStream:
        left = _left(self._deadline)
        stream = self._backend.connect_tcp(address, port, timeout=left, socket_options=socket_options)
        return _Timed(stream, self._deadline)


class _Timed(httpcore.NetworkStream):
    """A stream on which nothing waits beyond the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Timed(
            self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline)), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the deadline has passed")
    return left


@contextmanager
def got(url: httpx.URL, backend: GuardedBackend) -> Iterator[tuple[int, httpx.Headers, Iterable[bytes]]]:
    """Status, headers, and the bytes as they come; no redirect is followed, nothing of the environment is used.

    Raises Unreachable, here and while the bytes are read.
    """
    with (
        _told(),
        httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False), network_backend=backend
        ) as pool,
    ):
        request = httpx.Request("GET", url, headers=_HEADERS)
        asked = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
        )
        response = pool.handle_request(asked)
        try:
            assert isinstance(response.stream, Iterable)
            yield response.status, httpx.Headers(response.headers), response.stream
        finally:
            response.close()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (httpcore.TimeoutException, TimeoutError) as error:
        raise Unreachable("it did not come in time") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError) as error:
        raise Unreachable(f"it cannot be had ({type(error).__name__})") from error
