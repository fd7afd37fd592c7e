"""Pictures as open_clip has them for inference, by Pillow and numpy: resized, cropped in the middle, normalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.float32]
"""Shape (3, height, width): red, green, blue."""

_RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


@dataclass(frozen=True, slots=True)
class Transform:
    """`shortest` scales the shorter side to that of a square and crops the longer; `squash` scales both sides."""

    height: int
    width: int
    resize: Literal["shortest", "squash"]
    interpolation: Literal["bicubic", "bilinear"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @staticmethod
    def of(facts: dict[str, Any]) -> Transform:
        """From open_clip's `preprocess_cfg`. Raises ValueError for a way of resizing that is not known here."""
        size = facts["size"]
        height, width = (size, size) if isinstance(size, int) else (size[0], size[-1])
        resize, interpolation = facts["resize_mode"], facts["interpolation"]
        if interpolation == "random":  # open_clip's own reading of it
            interpolation = "bicubic"
        if interpolation not in _RESAMPLING or (
            resize != "squash" and (resize != "shortest" or height != width)
        ):
            raise ValueError(f"it resizes pictures in a way not known here ({resize} to {height} x {width})")
        return Transform(height, width, resize, interpolation, _three(facts["mean"]), _three(facts["std"]))

    def pixels(self, picture: Image.Image) -> Pixels:
        """Of an RGB picture."""
        resized = picture
        width, height = self._scaled(*picture.size)
        if (width, height) != picture.size:
            resized = picture.resize((width, height), _RESAMPLING[self.interpolation])
        top, left = round((height - self.height) / 2), round((width - self.width) / 2)
        cropped = np.asarray(resized, dtype=np.float32)[top : top + self.height, left : left + self.width]
        scaled = cropped / np.float32(255)
        mean, std = np.asarray(self.mean, dtype=np.float32), np.asarray(self.std, dtype=np.float32)
        return np.ascontiguousarray(((scaled - mean) / std).transpose(2, 0, 1))

    def _scaled(self, width: int, height: int) -> tuple[int, int]:
        if self.resize == "squash":
            return self.width, self.height
        if width <= height:
            return self.width, int(self.width * height / width)
        return int(self.height * width / height), self.height


def _three(values: float | Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = (values,) * 3 if isinstance(values, int | float) else values
    return float(red), float(green), float(blue)
