"""Drawings that the checkpoint in tests/assets/tiny-clip knows: a coloured shape, somewhere on a light background."""

from __future__ import annotations

import io
import random
from typing import Literal

from PIL import Image, ImageDraw

Shape = Literal["circle", "square", "triangle", "cross"]

COLOURS = {
    "red": (220, 30, 30),
    "green": (30, 160, 60),
    "blue": (40, 70, 220),
    "yellow": (250, 225, 30),
    "purple": (130, 40, 180),
    "orange": (250, 140, 20),
}
SHAPES: tuple[Shape, ...] = ("circle", "square", "triangle", "cross")


def draw(colour: str, shape: Shape, *, seed: int) -> bytes:
    """A PNG of 48 to 96 px a side; place, size and background vary with the seed, and nothing else does."""
    chance = random.Random(seed)
    side = chance.randrange(48, 97)
    picture = Image.new("RGB", (side, side), tuple(chance.randrange(235, 256) for _ in range(3)))
    radius = side * chance.uniform(0.22, 0.34)
    x, y = (side / 2 + chance.uniform(-1, 1) * (side / 2 - radius) * 0.6 for _ in range(2))
    _fill(ImageDraw.Draw(picture), shape, COLOURS[colour], x=x, y=y, radius=radius)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _fill(
    pen: ImageDraw.ImageDraw, shape: Shape, colour: tuple[int, int, int], *, x: float, y: float, radius: float
) -> None:
    left, top, right, bottom = x - radius, y - radius, x + radius, y + radius
    match shape:
        case "circle":
            pen.ellipse((left, top, right, bottom), fill=colour)
        case "square":
            pen.rectangle((left, top, right, bottom), fill=colour)
        case "triangle":
            pen.polygon([(x, top), (right, bottom), (left, bottom)], fill=colour)
        case "cross":
            width = max(3, round(radius / 3.5))
            pen.line((left, top, right, bottom), fill=colour, width=width)
            pen.line((left, bottom, right, top), fill=colour, width=width)
