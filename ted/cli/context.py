"""What every command needs: an open installation, errors as one line, a progress bar."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
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
from ted.bank.caller import Caller
from ted.bank.projects import ProjectStore
from ted.bootstrap import Ted, open_ted
from ted.errors import NothingToDistil, TedError
from ted.images import ImageLimits
from ted.local_models.catalogue import LocalModel
from ted.local_models.pull import pull
from ted.sample import Sample
from ted.sample_files import read_samples
from ted.settings import read_settings
from ted.web_images import ImageReader, WebLimits

P = ParamSpec("P")
R = TypeVar("R")


def exit_on_errors(command: Callable[P, R]) -> Callable[P, R]:
    """What ted and index raise on purpose becomes one message on standard error and exit code 2, nothing to distil 3;
    Ctrl-C 130."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (TedError, IndexingError) as error:
            Console(stderr=True).print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
            raise typer.Exit(3 if isinstance(error, NothingToDistil) else 2) from error
        except KeyboardInterrupt:
            Console(stderr=True).print("Stopped. What is done is kept; the same command goes on from here.")
            raise typer.Exit(130) from None

    return wrapped


@contextmanager
def opened() -> Iterator[Ted]:
    """The installation of the environment's settings, with what there is for its project; closed at the end."""
    settings = read_settings()
    ted = open_ted(settings)
    try:
        project = ProjectStore(ted.database).find(settings.project)
        yield ted.of(Caller(project.id))
    finally:
        ted.close()


def samples_in(path: Path, *, labelled: bool = False) -> list[Sample]:
    """The samples of a file, each with its answer if they must be `labelled`; images of the web are fetched where the
    settings allow it. Raises BadSamples, BadInput."""
    limits = ImageLimits()
    reader = ImageReader(limits, WebLimits.of(read_settings()))
    return read_samples(path, limits=limits, open_url=reader.read, labelled=labelled)


def progress_console(as_json: bool) -> Console:
    """Where progress is shown: on standard error, and nowhere where a program reads JSON and nobody looks."""
    console = Console(stderr=True)
    return Console(quiet=True) if as_json and not console.is_terminal else console


def progress_bar(console: Console) -> Progress:
    """Done of all, elapsed, remaining."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def pull_shown(console: Console, model: LocalModel, models_dir: Path) -> None:
    """Sees to it that a local model's file is there, with a progress bar in megabytes."""
    with progress_bar(console) as bar:
        task = bar.add_task(f"Model {model.name} (MB)", total=model.size // 1_000_000)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done // 1_000_000)

        pull(model, models_dir=models_dir, progress=show)
        show(model.size, model.size)
