"""Twenty kills of one distillation, against one that ran undisturbed: minutes, so `make soak` and not `make check`."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.desk_models import write_samples
from tests.kill_checks import calls_made_again, check_that_replies_landed_at_their_samples
from tests.killing import Aim, Desk, Landed
from tests.store_portrait import portrait, reading
from tests.upstream import running_upstream

SEED = 2026
OPTIONS = ("--batch-size", "4", "--trajectories", "2", "--epochs", "2", "--compress-every", "0")
LATER: tuple[Aim, ...] = ("start-up",) * 4 + ("work",) * 9 + ("settling",) * 5


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_distillation_killed_twenty_times_ends_as_if_it_never_was(tmp_path: Path) -> None:
    train = write_samples(tmp_path / "train.jsonl", 24)
    with ExitStack() as stack:
        desk, undisturbed = (
            Desk(
                tmp_path / name,
                train,
                stack.enter_context(
                    running_upstream("tests.desk_models:reply", latency=(0.05, slowest), seed=SEED)
                ),
                OPTIONS,
            )
            for name, slowest in (("killed", 0.4), ("undisturbed", 0.05))
        )
        undisturbed.make_bank()
        undisturbed.run()

        chance = random.Random(SEED)
        kills: list[Landed] = []
        aims: list[Aim] = ["first start", "first start", *chance.sample(LATER, len(LATER))]
        for aim in aims:
            if len(kills) == 2:
                desk.make_bank()
            kills.append(desk.kill(aim, chance))
            print(f"{len(kills):2}. {kills[-1]}", flush=True)
        desk.run()

        again = calls_made_again(desk, kills, at_once=8)
        made = len(desk.asked())
        check_that_replies_landed_at_their_samples(desk)
        seen, wanted = portrait(desk.store), portrait(undisturbed.store)
        with reading(desk.store) as store:
            operations = Counter(row[0] for row in store.execute("select operation from experience_history"))

    print(f"{made} calls, {again} of them made again; {dict(operations)}; {len(seen['lineage'])} of lineage")
    assert len(kills) == 20
    assert {"add", "rewrite", "merge", "merged", "remove"} <= set(operations)
    assert seen["lineage"]
    assert seen == wanted
