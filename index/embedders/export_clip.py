"""An open_clip model exported to ONNX, as a process: `python -m index.embedders.export_clip NAME TAG FOLDER`.

It leaves two towers, the vocabulary and facts in FOLDER, or the one fact why the model is not to be served from there.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from index.embedders import sameness
from index.embedders.clip import Clip, ClipEmbedder
from index.embedders.clip_pixels import Transform
from index.embedders.export_facts import UNAVAILABLE, Unsuited, write_facts, write_refusal
from index.embedders.onnx_clip_model import VOCABULARY, OnnxClipModel
from index.errors import EmbedderUnavailable


def export(name: str, tag: str | None, folder: Path) -> None:
    """Raises EmbedderUnavailable where the model cannot be loaded."""
    embedder = ClipEmbedder(name, tag, kept=0)
    fingerprint, clip = embedder.fingerprint, embedder.clip()
    try:
        facts = _served(clip)
        _write_towers(clip, facts, folder)
        ours = OnnxClipModel(folder, facts, threads=1)
        pictures, texts = sameness.pictures(), sameness.TEXTS
        cosine = min(
            sameness.least_cosine(ours.pictures(pictures), embedder.pictures(pictures)),
            sameness.least_cosine(ours.captions(texts), embedder.embed_captions(texts)),
        )
        if not cosine >= sameness.LEAST_COSINE:
            raise Unsuited(f"its vectors would change (cosine {cosine:.6f} to those of open_clip)")
    # Whatever exporter and runtime raise for a model that they cannot do: no common class, one meaning.
    except Exception as error:
        write_refusal(folder, fingerprint=fingerprint, error=error)
        return
    write_facts(folder, fingerprint=fingerprint, dimension=embedder.dimension, least_cosine=cosine, **facts)


def _served(clip: Clip) -> dict[str, Any]:
    """What OnnxClipModel needs to know. Raises Unsuited."""
    from open_clip.tokenizer import SimpleTokenizer, get_clean_fn

    words: Any = clip.tokenize
    if (
        type(words) is not SimpleTokenizer
        or words.reduction_fn is not None
        or len(words.all_special_ids) != 2
    ):
        raise Unsuited("its tokenizer is not CLIP's own")
    if words.clean_fn is not get_clean_fn("lower"):
        raise Unsuited("its tokenizer cleans captions in a way not known here")
    transform = dict(clip.model.visual.preprocess_cfg)
    try:
        Transform.of(transform)
    except ValueError as error:
        raise Unsuited(str(error)) from error
    return {"transform": transform, "length": int(words.context_length)}


def _write_towers(clip: Clip, facts: dict[str, Any], folder: Path) -> None:
    import torch
    from open_clip.tokenizer import default_bpe

    transform = Transform.of(facts["transform"])
    _write_graph(
        clip.model.encode_image,
        torch.rand(2, 3, transform.height, transform.width),
        folder / "image.onnx",
        "pixels",
    )
    _write_graph(
        clip.model.encode_text, clip.tokenize(["a text", "another text"]), folder / "text.onnx", "tokens"
    )
    shutil.copyfile(default_bpe(), folder / VOCABULARY)


def _write_graph(encode: Callable[[Any], Any], example: Any, path: Path, name: str) -> None:
    import torch

    class Tower(torch.nn.Module):  # type: ignore[misc] # torch is not checked
        def __init__(self) -> None:
            super().__init__()
            self.weights = encode.__self__  # type: ignore[attr-defined] # a method of the model

        def forward(self, values: Any) -> Any:
            return encode(values).float()

    torch.backends.mha.set_fastpath_enabled(False)  # one operator for all of attention, which ONNX has not
    with torch.no_grad():
        torch.onnx.export(
            Tower().eval(),
            (example,),
            str(path),
            input_names=[name],
            output_names=["rows"],
            dynamic_axes={name: {0: "batch"}, "rows": {0: "batch"}},
            opset_version=17,
            dynamo=False,  # docs/adr/0028: one second instead of twelve
        )


def main() -> int:
    """By the arguments of the command line; an exit code."""
    name, tag, folder = sys.argv[1:]
    try:
        export(name, tag or None, Path(folder))
    except EmbedderUnavailable as error:
        sys.stdout.write(f"{error}\n")
        return UNAVAILABLE
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
