"""Writes the example's train.jsonl and eval.jsonl: how the lists of one house want things to be written.

A format must be applied to what no training sample holds, so an answer that is copied is wrong.
The files in the repository are of seed 7: `python -m examples.output_formats.make`, run in the source checkout.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from examples.files import Drawn, main

SEED = 7
TRAINING, EVALUATION = 2, 5

CITIES = ("Oslo", "Bern", "Riga", "Turin", "Ghent", "Malmo", "Porto", "Graz", "Cork", "Split")
FIRST = ("Anna", "Peter", "Ines", "Marek", "Lucy", "Tomas", "Greta", "Henri", "Olga", "Simon")
LAST = ("Berg", "Novak", "Silva", "Keller", "Moore", "Lind", "Rossi", "Dubois", "Weber", "Hansen")
FIRMS = ("Nordwind", "Alpina", "Castor", "Meridian", "Helix", "Quarz", "Lumen", "Orbis", "Tessera", "Vela")


def _part(draw: random.Random) -> tuple[str, str]:
    machine, number = draw.choice("CFHKMRT"), draw.randrange(101, 990)
    return f"Write part {number} of machine {machine} for our parts list.", f"{machine}/00{number}"


def _extension(draw: random.Random) -> tuple[str, str]:
    city, number = draw.choice(CITIES), draw.randrange(201, 899)
    return f"Write extension {number} of the {city} office for our phone list.", f"{city.upper()}+{number}"


def _price(draw: random.Random) -> tuple[str, str]:
    euros, cents = draw.randrange(11, 98), draw.randrange(11, 98)
    return f"Write {euros} euros and {cents} cents for our price list.", f"EUR {euros},{cents}"


def _room(draw: random.Random) -> tuple[str, str]:
    building, floor, room = draw.choice("ABDEG"), draw.randrange(1, 8), draw.randrange(11, 60)
    return (
        f"Write room {room} on floor {floor} of building {building} for our room plan.",
        f"{building}.{floor}.{room}",
    )


def _shift(draw: random.Random) -> tuple[str, str]:
    start = draw.randrange(10, 16)
    end = start + draw.randrange(3, 8)
    return f"Write a shift from {start} to {end} o'clock for our roster.", f"[{start}-{end}]"


def _person(draw: random.Random) -> tuple[str, str]:
    first, last = draw.choice(FIRST), draw.choice(LAST)
    return f"Write the name of {first} {last} for our staff list.", f"{last.upper()}, {first}"


def _temperature(draw: random.Random) -> tuple[str, str]:
    degrees = draw.randrange(11, 39)
    return f"Write a temperature of {degrees} degrees for our climate log.", f"T={degrees}C"


def _batch(draw: random.Random) -> tuple[str, str]:
    batch, week = draw.randrange(2, 10), draw.randrange(11, 52)
    return f"Write batch {batch} of week {week} for our production log.", f"W{week}-B{batch}"


def _board(draw: random.Random) -> tuple[str, str]:
    width, length = draw.randrange(21, 60), draw.randrange(61, 99)
    return f"Write a board of {width} by {length} centimetres for our cutting list.", f"{width}x{length} cm"


def _contract(draw: random.Random) -> tuple[str, str]:
    firm, year = draw.choice(FIRMS), draw.randrange(2011, 2025)
    return f"Write the file name of the contract with {firm} from {year}.", f"{year}_contract_{firm.lower()}"


FORMATS: dict[str, Callable[[random.Random], tuple[str, str]]] = {
    "part": _part,
    "extension": _extension,
    "price": _price,
    "room": _room,
    "shift": _shift,
    "person": _person,
    "temperature": _temperature,
    "batch": _batch,
    "board": _board,
    "contract": _contract,
}


def samples(seed: int = SEED) -> Drawn:
    """Training and evaluation samples, as they stand in the files; no question and no answer is in both."""
    draw = random.Random(seed)
    train: list[dict[str, object]] = []
    evaluation: list[dict[str, object]] = []
    for kind, drawn in FORMATS.items():
        answers: dict[str, str] = {}
        while len(answers) < TRAINING + EVALUATION:
            question, answer = drawn(draw)
            answers.setdefault(answer, question)
        for number, (answer, question) in enumerate(answers.items(), start=1):
            sample: dict[str, object] = {
                "id": f"{kind}-{number}",
                "question": question,
                "answer": answer,
                "grader": "exact",
                "tags": [kind],
            }
            (train if number <= TRAINING else evaluation).append(sample)
    draw.shuffle(train)
    draw.shuffle(evaluation)
    return train, evaluation


if __name__ == "__main__":
    main(samples, seed=SEED, into=Path(__file__).parent, about=__doc__)
