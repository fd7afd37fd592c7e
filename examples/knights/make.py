"""Writes the example's train.jsonl and eval.jsonl: puzzles of those who always lie and those who never do, by
reasoning-gym.

What is to be learned is a way of arguing; names and sorts of inhabitants change from puzzle to puzzle.
The files in the repository are of seed 7: `python -m examples.knights.make`, run in the source checkout.
"""

from __future__ import annotations

from pathlib import Path

from examples.files import Drawn, main
from examples.gym import drawn

SEED = 7
TRAINING, EVALUATION = 20, 40


def samples(seed: int = SEED) -> Drawn:
    """Training and evaluation samples, as they stand in the files."""
    size = {"n_people": 2, "depth_constraint": 2, "width_constraint": 2}
    return drawn("knights_knaves", seed, training=TRAINING, evaluation=EVALUATION, grader="exact", **size)


if __name__ == "__main__":
    main(samples, seed=SEED, into=Path(__file__).parent, about=__doc__)
