"""A bank of the 24 things that tests/drawings draws, with and without drawings of them, and how often each is found."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ted.bank.bank import Bank
from ted.bank.changes import Change, Occasion
from ted.experience import Key
from ted.operations import Add
from ted.sample import Image, Question
from tests.drawings import COLOURS, SHAPES, Shape, draw

Thing = tuple[str, Shape]
THINGS: tuple[Thing, ...] = tuple((colour, shape) for colour in COLOURS for shape in SHAPES)

NEUTRAL = ("What is this?", "What do you see here?", "Which one is it?", "Name what the picture shows.")
"""Questions that say nothing of what is in the picture."""

FRESH = range(9_000, 9_003)
"""Seeds of the drawings asked with; those in the bank are below."""

Keyed = Literal["wording", "question"]
"""Whether an experience made of a drawing is found by its wording alone, or, as after a distillation, by its
source question too, which was a neutral one."""


def named(thing: Thing) -> str:
    """The name that only the bank knows."""
    colour, shape = thing
    return f"{shape[:2].upper()}-{list(COLOURS).index(colour) + 41}"


def picture(thing: Thing, *, seed: int) -> Image:
    """A drawing as a question or sample has it."""
    data = draw(*thing, seed=seed)
    return Image(hashlib.sha256(data).hexdigest(), "image/png", data)


async def fill(bank: Bank, *, drawn: Sequence[Thing], keyed: Keyed) -> None:
    """One experience for each thing; those in `drawn` have a drawing as a key.

    The wording is one that the small checkpoint can read: of captions that do not begin with the thing it makes little.
    """
    changes, images = [], []
    for number, thing in enumerate(THINGS):
        colour, shape = thing
        add = Add(f"A {colour} {shape} is shown.", f"Its house name is {named(thing)}.")
        keys: tuple[Key, ...] = ()
        if thing in drawn:
            images.append(picture(thing, seed=number))
            keys = (Key("image", image_sha256=images[-1].sha256),)
        if keyed == "question":
            asked = NEUTRAL[0] if thing in drawn else f"What is a {colour} {shape} called here?"
            keys = (Key("question", asked), *keys)
        changes.append(Change(add, keys))
    await bank.apply(changes, Occasion("test"), images=images)


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of questions whose first experience was the one of the thing drawn."""

    drawn: float
    undrawn: float


Finder = Callable[[Question], Awaitable[str | None]]
"""From a question to the content of the first experience that was shown for it, or None."""


async def found_first(find: Finder, *, drawn: Sequence[Thing]) -> Rates:
    """Every thing, asked by every neutral question with fresh drawings. Where none is undrawn, that rate is 1."""
    hits: dict[bool, list[bool]] = {True: [], False: []}
    for thing in THINGS:
        for seed in FRESH:
            for text in NEUTRAL:
                question = Question(text, (picture(thing, seed=seed * 24 + THINGS.index(thing)),))
                first = await find(question)
                hits[thing in drawn].append(first is not None and named(thing) in first)
    return Rates(*(sum(found) / len(found) if found else 1.0 for found in (hits[True], hits[False])))
