"""Which commit of a hub's model lies in the local cache; what is loaded from there is the embedders' affair."""

from __future__ import annotations

from pathlib import Path


def cached_commit(names: tuple[str, ...], file: str, cache_folder: Path | None) -> str | None:
    """`<name>@<commit>` of the first of these names whose `file` is in the cache, as its main branch was last seen.

    `file` is one at the top of the model's repository. None: none of them is there.
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    for name in names:
        try:
            path = try_to_load_from_cache(name, file, cache_dir=cache_folder)
        except HFValidationError:
            continue  # no name of the hub
        if isinstance(path, str):
            return f"{name}@{Path(path).parent.name}"
    return None
