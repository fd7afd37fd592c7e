"""Writes the example's train.jsonl and eval.jsonl: units and signs of one house, asked for once and then reckoned with.

A training sample asks for the rule, an evaluation sample for what follows from it: an answer that is copied is wrong.
The files in the repository are of seed 7: `python -m examples.house_rules.make`, run in the source checkout.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from examples.files import Drawn, main

SEED = 7
EVALUATION = 4

UNITS = (  # a large unit of the house, the small one in it, and the place where they are used
    ("bale", "crates", "in our warehouse"),
    ("skid", "drums", "in our cellar"),
    ("stack", "trays", "in our bakery"),
    ("reel", "metres of cable", "in our workshop"),
    ("tote", "bottles", "on our filling line"),
    ("clutch", "folders", "in our archive"),
    ("round", "stops", "of our night bus"),
    ("watch", "hours", "on our gate"),
)
SIGNS: dict[str, tuple[str, Callable[[int, int], int]]] = {
    "◊": ("a + b + 1", lambda a, b: a + b + 1),
    "§": ("a + b + 10", lambda a, b: a + b + 10),
    "¤": ("a * b + 1", lambda a, b: a * b + 1),
    "†": ("10 * a + b", lambda a, b: 10 * a + b),
}


def samples(seed: int = SEED) -> Drawn:
    """Training and evaluation samples, as they stand in the files."""
    draw = random.Random(seed)
    train: list[dict[str, object]] = []
    evaluation: list[dict[str, object]] = []
    sizes = draw.sample([3, 4, 5, 6, 7, 8, 9, 11, 12], len(UNITS))
    for (large, small, where), size in zip(UNITS, sizes, strict=True):
        train.append(_sample(large, 1, f"How many {small} make one {large} {where}?", size))
        for number, times in enumerate(sorted(draw.sample(range(2, 10), EVALUATION)), start=2):
            question = f"How many {small} are {times} {_many(large)} {where}?"
            evaluation.append(_sample(large, number, question, times * size))
    for name, (sign, (meaning, worth)) in zip(("one", "two", "three", "four"), SIGNS.items(), strict=True):
        question = f"What does a {sign} b mean in our tables?"
        train.append(_sample(f"sign-{name}", 1, question, meaning, grader="exact"))
        pairs = draw.sample([(a, b) for a in range(2, 10) for b in range(2, 10) if a != b], EVALUATION)
        for number, (a, b) in enumerate(pairs, start=2):
            evaluation.append(
                _sample(f"sign-{name}", number, f"What is {a} {sign} {b} in our tables?", worth(a, b))
            )
    draw.shuffle(train)
    draw.shuffle(evaluation)
    return train, evaluation


def _sample(
    kind: str, number: int, question: str, answer: object, *, grader: str = "numeric"
) -> dict[str, object]:
    return {
        "id": f"{kind}-{number}",
        "question": question,
        "answer": str(answer),
        "grader": grader,
        "tags": [kind.partition("-")[0]],
    }


def _many(unit: str) -> str:
    return unit + ("es" if unit.endswith("ch") else "s")


if __name__ == "__main__":
    main(samples, seed=SEED, into=Path(__file__).parent, about=__doc__)
