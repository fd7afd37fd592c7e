"""`ted serve`: the REST service, on loopback; what it serves is api/'s affair."""

from __future__ import annotations

import ipaddress
import socket
from typing import Annotated

import typer

from ted.cli.context import exit_on_errors
from ted.errors import BadSetting
from ted.logs import log_what_would_be_printed, logging_config
from ted.settings import read_settings

APP = "api.app:from_environment"
CLOSING_SECONDS = 1
"""For connections to close, once all requests are finished or cut short."""


@exit_on_errors
def serve(
    host: Annotated[str, typer.Option(help="An address of this machine's loopback.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8321,
) -> None:
    """Serve the REST API until it is stopped; jobs that were running go on."""
    import uvicorn
    from uvicorn.importer import import_from_string

    from ted.cli.draining import DrainingServer

    settings = read_settings()  # what is wrong with them is told here, as one line
    listening = _listening(_loopback(host), port)
    address, taken = listening.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    typer.echo(f"TED listens on http://{shown}:{taken} (documentation: http://{shown}:{taken}/docs)")
    app = import_from_string(APP)()
    log_config = logging_config(as_json=settings.log_format == "json", secrets=settings.secrets)
    log_what_would_be_printed()
    config = uvicorn.Config(
        app, access_log=False, log_config=log_config, timeout_graceful_shutdown=CLOSING_SECONDS
    )
    DrainingServer(config, drain=app.state.drain, limit=settings.drain_seconds).run(sockets=[listening])


def _loopback(host: str) -> str:
    """The address, if only this machine can reach it. Raises BadSetting."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        if ipaddress.ip_address(host).is_loopback:
            return host
    except ValueError:
        pass
    raise BadSetting(
        f"--host is '{host}': the service has no keys yet, so it listens on loopback only "
        "(127.0.0.1, ::1 or localhost); whoever can reach it can spend your money"
    )


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
