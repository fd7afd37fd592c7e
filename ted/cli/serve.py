"""`ted serve`: the REST service, with keys or, on loopback, without; what it serves is api/'s affair."""

from __future__ import annotations

import ipaddress
import socket
from typing import Annotated

import typer

from ted.bootstrap import make_first_key
from ted.cli.context import exit_on_errors
from ted.errors import BadSetting
from ted.logs import log_what_would_be_printed, logging_config
from ted.settings import read_settings

APP = "api.app:from_environment"
CLOSING_SECONDS = 1
"""For connections to close, once all requests are finished or cut short."""


@exit_on_errors
def serve(
    host: Annotated[str, typer.Option(help="An address of this machine; 0.0.0.0: all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8321,
    open_: Annotated[
        bool, typer.Option("--open", help="Ask for no key; on loopback only [TED_OPEN].")
    ] = False,
) -> None:
    """Serve the REST API until it is stopped; jobs that were running go on. The first start makes a key, and shows it."""
    import uvicorn
    from uvicorn.importer import import_from_string

    from ted.cli.draining import DrainingServer

    settings = read_settings(open=open_ or None)  # what is wrong with them is told here, as one line
    listening = _listening(_address(host, is_open=settings.open), port)
    address, taken = listening.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    typer.echo(f"TED listens on http://{shown}:{taken} (dashboard: /ui, documentation: /docs)")
    if not settings.open and (secret := make_first_key(settings)):
        typer.echo(f"The first key, for administrators, is shown this once:\n{secret}")
    app = import_from_string(APP)(settings)
    log_config = logging_config(as_json=settings.log_format == "json", secrets=settings.secrets)
    log_what_would_be_printed()
    config = uvicorn.Config(
        app, access_log=False, log_config=log_config, timeout_graceful_shutdown=CLOSING_SECONDS
    )
    DrainingServer(config, drain=app.state.drain, limit=settings.drain_seconds).run(sockets=[listening])


def _address(host: str, *, is_open: bool) -> str:
    """The address to listen on; without keys only one that no other machine can reach. Raises BadSetting."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise BadSetting(f"--host is '{host}': give an address of this machine, or 0.0.0.0 for all") from None
    if is_open and not loopback:
        raise BadSetting(
            f"--host is '{host}': without keys (--open) the service listens on loopback only "
            "(127.0.0.1, ::1 or localhost); whoever can reach it can spend your money"
        )
    return host


def _listening(host: str, port: int) -> socket.socket:
    """Raises BadSetting where the address is taken."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise BadSetting(f"cannot listen on {host}:{port} ({error.strerror}): give another --port") from None
    return made
