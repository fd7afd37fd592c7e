"""Images that URLs of a request name: data URLs, and those of the web where that is allowed. Checks are ted/images'."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import httpcore
import httpx

from ted.addresses import Reach
from ted.errors import BadImage, Unreachable
from ted.guarded_web import GuardedBackend, Resolve, got, resolved
from ted.images import ImageLimits, from_data_url, read_image
from ted.sample import Image
from ted.settings import Settings
from ted.texts import shortened

_WEB = ("http", "https")
_REDIRECTS = (301, 302, 303, 307, 308)
_LONGEST = 4_000
OFF = "nothing is fetched here: send data:image/png;base64,..., or set TED_FETCH_IMAGES"


@dataclass(frozen=True, slots=True)
class WebLimits:
    """Whom may be asked for images, and bounds: seconds and redirects an image; images, bytes and seconds a request."""

    reach: Reach = field(default_factory=Reach)
    seconds: float = 10.0
    redirects: int = 3
    images: int = 1_000
    bytes: int = 256_000_000
    request_seconds: float = 120.0

    @staticmethod
    def of(settings: Settings) -> WebLimits | None:
        """None where images are not fetched. Raises BadSetting."""
        reach = Reach.of(settings.fetch_images_from, settings.fetch_images_ports)
        return WebLimits(reach, settings.fetch_images_seconds) if settings.fetch_images else None


class ImageReader:
    """One a request, which together may not fetch more than its limits. `web` is None where nothing is fetched."""

    def __init__(
        self,
        limits: ImageLimits,
        web: WebLimits | None = None,
        *,
        resolve: Resolve = resolved,
        backend: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._limits, self._web, self._resolve, self._backend = limits, web, resolve, backend
        self._images = self._bytes = 0
        self._began = time.monotonic()

    def read(self, url: str) -> Image:
        """The image, decoded; it waits where it is fetched. Raises BadImage."""
        if not url[:8].lower().startswith(tuple(f"{scheme}://" for scheme in _WEB)):
            return from_data_url(url, limits=self._limits)
        name = f"image '{shortened(url)}'"
        if self._web is None:
            raise BadImage(f"{name} is a URL of the web, and {OFF}")
        try:
            data, declared = self._fetched(_checked(url), self._web)
        except Unreachable as error:
            raise BadImage(f"{name} was not fetched: {error}") from error
        try:
            return read_image(data, declared=declared, limits=self._limits)
        except BadImage as error:
            raise BadImage(f"{name}: {error}") from error

    def _fetched(self, url: httpx.URL, web: WebLimits) -> tuple[bytes, str]:
        """The bytes and the media type they are said to be of."""
        self._images += 1
        left = self._began + web.request_seconds - time.monotonic()
        if self._images > web.images or left <= 0:
            raise Unreachable(
                f"a request may fetch {web.images:,} images, for {web.request_seconds:.0f} seconds: send less at once"
            )
        deadline = time.monotonic() + min(web.seconds, left)
        guarded = GuardedBackend(web.reach, deadline=deadline, resolve=self._resolve, backend=self._backend)
        for _ in range(web.redirects + 1):
            with got(url, guarded) as (status, headers, chunks):
                if status not in _REDIRECTS:
                    return self._received(status, headers, chunks, web)
                target = headers.get("Location", "")
            url = _checked(target, base=url)
        raise Unreachable(f"it is redirected more than {web.redirects} times")

    def _received(
        self, status: int, headers: httpx.Headers, chunks: Iterable[bytes], web: WebLimits
    ) -> tuple[bytes, str]:
        """What a last answer brings, once it is plain that it may be an image, and no byte beyond the bounds."""
        if status != 200:
            raise Unreachable(f"the server answered {status}")
        declared = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if declared and not declared.startswith("image/") and declared != "application/octet-stream":
            raise Unreachable(f"it is said to be {shortened(declared)}, no image")
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Unreachable("it comes compressed, which was not asked for")
        most = self._limits.max_bytes
        data = bytearray()
        for chunk in chunks:
            data += chunk
            self._bytes += len(chunk)
            if len(data) > most:
                raise Unreachable(f"it has more than {most:,} bytes: make it smaller")
            if self._bytes > web.bytes:
                raise Unreachable(f"the images of a request may have {web.bytes:,} bytes: send less at once")
        return bytes(data), declared


def _checked(written: str, *, base: httpx.URL | None = None) -> httpx.URL:
    """A URL that may be asked for, as far as it tells itself."""
    if len(written) > _LONGEST:
        raise Unreachable(f"the URL has more than {_LONGEST:,} characters")
    try:
        url = base.join(written) if base is not None else httpx.URL(written)
        bare = url.copy_with(fragment=None)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise Unreachable(f"the URL cannot be used ({shortened(str(error))})") from error
    if bare.scheme not in _WEB or not bare.host:
        raise Unreachable("the URL, or where it is redirected to, is none of http or https with a host")
    if bare.userinfo:
        raise Unreachable("the URL holds a name or password: leave it out")
    return bare
