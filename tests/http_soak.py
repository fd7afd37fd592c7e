"""What kills of a server must not change: the job ends well, nothing is lost, no committed call is made again."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.http_killing import Aim, HttpDesk, write_train
from tests.kill_checks import calls_made_again, check_that_replies_landed_at_their_samples
from tests.killing import CONCURRENCY
from tests.serving import Server
from tests.store_portrait import portrait
from tests.upstream import running_upstream


def check_that_kills_change_nothing(
    folder: Path,
    new_store: Callable[[Path], dict[str, Any]],
    aims: Sequence[Aim],
    *,
    samples: int,
    epochs: int,
    slowest: float,
    seed: int,
) -> None:
    """Two distillations of the same samples, one of which is killed at all these moments."""
    train = write_train(folder, samples)
    with ExitStack() as stack:
        desk, undisturbed = (
            HttpDesk(_server(folder / name, new_store, stack, latency, seed))
            for name, latency in (("killed", (0.05, slowest)), ("undisturbed", (0.0, 0.02)))
        )
        options = {"trajectories": 2, "batch_size": 4, "epochs": epochs}
        undisturbed.begin(train, **options)
        assert undisturbed.ended()["status"] == "succeeded"

        chance = random.Random(seed)
        desk.begin(train, **options)
        kills = [desk.killed("work", chance, running=True)]
        for aim in aims[1:]:
            kills.append(desk.killed(aim, chance))
            print(f"{len(kills):2}. {kills[-1]}", flush=True)
        job = desk.ended()

        again = calls_made_again(desk, kills, at_once=CONCURRENCY)
        print(
            f"{len(kills)} kills; {len(desk.asked())} calls, {again} of them made again, all lost to a kill"
        )
        assert job["status"] == "succeeded"
        assert job["request_counts"]["completed"] == samples * epochs
        check_that_replies_landed_at_their_samples(desk)
        assert portrait(desk.store) == portrait(undisturbed.store)


def _server(
    data: Path,
    new_store: Callable[[Path], dict[str, Any]],
    stack: ExitStack,
    latency: tuple[float, float],
    seed: int,
) -> Server:
    data.mkdir()
    provider = stack.enter_context(running_upstream("tests.desk_models:reply", latency=latency, seed=seed))
    more = {f"TED_{name.upper()}": str(value) for name, value in new_store(data).items()}
    server = Server(data, provider, more=more | {"TED_CONCURRENCY": str(CONCURRENCY)})
    stack.callback(server.kill)
    return server
