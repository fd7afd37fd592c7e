"""A sentence-transformers model exported to ONNX, as a process: `... -m index.embedders.export_sentence NAME CACHE FOLDER`.

It leaves model, tokenizer and facts in FOLDER, or the one fact why the model is not to be served from there.
CACHE is where hub models are kept; empty: where they usually are.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from index.embedders import sameness
from index.embedders.export_facts import UNAVAILABLE, Unsuited, write_facts, write_refusal
from index.embedders.onnx_text_model import OnnxTextModel
from index.embedders.sentence import SentenceEmbedder
from index.errors import EmbedderUnavailable

_KNOWN = {"Transformer", "Pooling", "Dense", "Normalize"}
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_LONGEST = 100_000  # a tokenizer without a limit says a number far above this


def export(name: str, cache_folder: Path | None, folder: Path) -> None:
    """Raises EmbedderUnavailable where the model cannot be loaded."""
    embedder = SentenceEmbedder(name, cache_folder=cache_folder, kept=0)
    fingerprint, model = embedder.fingerprint, embedder.model()
    try:
        facts = _served(model)
        _write_graph(model, facts["inputs"], folder / "model.onnx")
        model.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
        ours = OnnxTextModel(folder, facts, threads=1).rows(sameness.TEXTS)
        cosine = sameness.least_cosine(ours, embedder.embed_texts(sameness.TEXTS))
        if not cosine >= sameness.LEAST_COSINE:
            raise Unsuited(
                f"its vectors would change (cosine {cosine:.6f} to those of sentence-transformers)"
            )
    # Whatever exporter and runtime raise for a model that they cannot do: no common class, one meaning.
    except Exception as error:
        write_refusal(folder, fingerprint=fingerprint, error=error)
        return
    write_facts(folder, fingerprint=fingerprint, dimension=ours.shape[1], least_cosine=cosine, **facts)


def _served(model: Any) -> dict[str, Any]:
    """What OnnxTextModel needs to know. Raises Unsuited."""
    for module in model:
        kind = type(module)
        if kind.__name__ not in _KNOWN or not kind.__module__.startswith("sentence_transformers."):
            raise Unsuited(f"its module {kind.__name__} is not known here")
    tokenizer = model.tokenizer
    if not hasattr(tokenizer, "backend_tokenizer"):
        raise Unsuited("its tokenizer has no form of the tokenizers library")
    longest = model.max_seq_length or tokenizer.model_max_length
    if longest > _LONGEST:
        raise Unsuited("it does not say how many tokens it takes")
    prompt = model.prompts.get(model.default_prompt_name) if model.default_prompt_name else None
    if prompt and not all(getattr(module, "include_prompt", True) for module in model):
        raise Unsuited("it leaves its prompt out of what it pools")
    padding = {
        "id": tokenizer.pad_token_id,
        "type_id": tokenizer.pad_token_type_id,
        "side": tokenizer.padding_side,
        "cut": tokenizer.truncation_side,
    }
    features = model.preprocess(["a text"])
    inputs = [name for name in _INPUTS if name in features]
    return {"inputs": inputs, "max_length": int(longest), "padding": padding, "prompt": prompt or ""}


def _write_graph(model: Any, inputs: list[str], path: Path) -> None:
    """All modules as one graph from tokens to rows, for any number of texts and any length."""
    import torch

    class Whole(torch.nn.Module):  # type: ignore[misc] # torch is not checked
        def __init__(self) -> None:
            super().__init__()
            self.modules_in_order = torch.nn.ModuleList(model)

        def forward(self, *values: Any) -> Any:
            features = dict(zip(inputs, values, strict=True)) | {"modality": "text"}
            for module in self.modules_in_order:
                features = module(features)
            return features["sentence_embedding"]

    # Of two lengths: one that is padded, so that no branch for texts without padding is what gets traced.
    features = model.preprocess(["a text", "a text that is longer than the other one"])
    free = {name: {0: "texts", 1: "tokens"} for name in inputs}
    with torch.no_grad():
        torch.onnx.export(
            Whole().eval(),
            tuple(features[name] for name in inputs),
            str(path),
            input_names=inputs,
            output_names=["rows"],
            dynamic_axes=free | {"rows": {0: "texts"}},
            opset_version=17,
            dynamo=False,  # docs/adr/0028: one second instead of twelve
        )


def main() -> int:
    """By the arguments of the command line; an exit code."""
    name, cache, folder = sys.argv[1:]
    try:
        export(name, Path(cache) if cache else None, Path(folder))
    except EmbedderUnavailable as error:
        sys.stdout.write(f"{error}\n")
        return UNAVAILABLE
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
