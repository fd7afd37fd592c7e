"""What every command needs: an open installation, errors as one line, a progress bar."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from index.errors import IndexingError
from ted.bootstrap import Ted, open_ted
from ted.errors import TedError
from ted.settings import read_settings

P = ParamSpec("P")
R = TypeVar("R")


def exit_on_errors(command: Callable[P, R]) -> Callable[P, R]:
    """What ted and index raise on purpose becomes one message on standard error and exit code 2; Ctrl-C 130."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (TedError, IndexingError) as error:
            Console(stderr=True).print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
            raise typer.Exit(2) from error
        except KeyboardInterrupt:
            Console(stderr=True).print("Stopped. What is done is kept; the same command goes on from here.")
            raise typer.Exit(130) from None

    return wrapped


@contextmanager
def opened() -> Iterator[Ted]:
    """The installation of the environment's settings, closed at the end."""
    ted = open_ted(read_settings())
    try:
        yield ted
    finally:
        ted.close()


def progress_bar(console: Console, *, show: bool = True) -> Progress:
    """Done of all, elapsed, remaining."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not show,
    )
