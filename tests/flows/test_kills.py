"""A distillation that is killed or stopped with Ctrl-C and begun again, as processes against a real server; CI's length."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk_models import write_samples
from tests.kill_checks import calls_made_again, check_that_replies_landed_at_their_samples
from tests.killing import Aim, Desk, run_in_this_process, until
from tests.store_portrait import portrait
from tests.upstream import running_upstream

SEED = 4


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    train = write_samples(tmp_path / "train.jsonl", 12)
    with running_upstream("tests.desk_models:reply", latency=(0.02, 0.2)) as upstream:
        options = ("--batch-size", "4", "--trajectories", "2", "--epochs", "1", "--compress-every", "0")
        yield Desk(tmp_path / "data", train, upstream, options)


def test_a_distillation_killed_four_times_ends_as_if_it_never_was(desk: Desk, tmp_path: Path) -> None:
    undisturbed = Desk(tmp_path / "undisturbed", desk.train, desk.upstream, desk.options)
    run_in_this_process(undisturbed)

    chance = random.Random(SEED)
    kills = [desk.kill("first start", chance)]
    desk.make_bank()
    aims: tuple[Aim, ...] = ("work", "settling", "work")
    kills += [desk.kill(aim, chance) for aim in aims]
    desk.run()
    print(*kills, sep="\n")

    assert calls_made_again(desk, kills, at_once=8) >= 1
    check_that_replies_landed_at_their_samples(desk)
    assert portrait(desk.store) == portrait(undisturbed.store)


def stand_still(desk: Desk, process: int) -> None:
    """Stops the processes between two of their transactions: within one they would keep everybody from the store."""
    while True:
        os.killpg(process, signal.SIGSTOP)
        store = sqlite3.connect(desk.store, timeout=0.1)
        try:
            store.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError:
            os.killpg(process, signal.SIGCONT)
        finally:
            store.close()


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on_and_ends_once(desk: Desk) -> None:
    desk.make_bank()
    running = desk.distill()
    until(lambda: len(desk.committed()) > 3, running)

    stand_still(desk, running.pid)  # it keeps its lock on the bank, and does not end meanwhile
    refused, why = desk.finished(desk.distill())
    os.killpg(running.pid, signal.SIGCONT)
    os.killpg(running.pid, signal.SIGINT)
    code, said = desk.finished(running)

    assert refused == 2
    assert "bank 'desk' is being written by another job" in why
    assert code == 130
    assert "Stopped. What is done is kept; the same command goes on from here." in said
    assert "Traceback" not in said
    kept = desk.committed()
    assert kept
    assert [(job[1], job[2]) for job in portrait(desk.store)["jobs"]] == [("paused", "interrupted")]

    stopped_at = len(desk.asked())
    desk.run()
    assert not kept & set(desk.asked()[stopped_at:])

    before, asked = portrait(desk.store), desk.asked()
    assert "This distillation has run already; --new-run runs it again." in desk.run()
    assert (portrait(desk.store), desk.asked()) == (before, asked)
