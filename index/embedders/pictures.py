"""Encoded images as RGB pictures of Pillow's; what is made of their pixels is the embedder's affair."""

from __future__ import annotations

import io

from PIL import Image, ImageOps, UnidentifiedImageError

from index.errors import UnreadableImage


def rgb_picture(image: bytes, *, position: int) -> Image.Image:
    """The first frame, upright, transparency on white. Raises UnreadableImage, which names the position in the call."""
    try:
        picture = Image.open(io.BytesIO(image))
        picture.load()
        return _on_white(ImageOps.exif_transpose(picture))
    # All that Pillow's decoders raise for bytes that are cut, mislabelled or hostile.
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        IndexError,
        OverflowError,
        MemoryError,
    ) as error:
        raise UnreadableImage(
            f"image {position} of the call ({len(image)} bytes) cannot be decoded ({error}): send a whole PNG, JPEG, "
            "WEBP or GIF"
        ) from error


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16"):
        picture = (
            picture.convert("I").point(lambda value: value / 256).convert("L")
        )  # else all but black is white
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
