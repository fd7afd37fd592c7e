"""Writes the example's train.jsonl and eval.jsonl: greatest common divisors of two numbers, by reasoning-gym.

What is to be learned is a way of reckoning: nothing that a house alone knows, and no answer to look up.
The files in the repository are of seed 7: `python -m examples.greatest_divisors.make`, run in the source checkout.
"""

from __future__ import annotations

from pathlib import Path

from examples.files import Drawn, main
from examples.gym import drawn

SEED = 7
TRAINING, EVALUATION = 20, 40


def samples(seed: int = SEED) -> Drawn:
    """Training and evaluation samples, as they stand in the files."""
    numbers = {"min_numbers": 2, "max_numbers": 2, "min_value": 12, "max_value": 120}
    return drawn("gcd", seed, training=TRAINING, evaluation=EVALUATION, grader="numeric", **numbers)


if __name__ == "__main__":
    main(samples, seed=SEED, into=Path(__file__).parent, about=__doc__)
