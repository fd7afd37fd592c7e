"""Samples of reasoning-gym's generators, for the examples that are made of them; it is the project's extra `examples`."""

from __future__ import annotations

from collections.abc import Iterator

from examples.files import Drawn


def drawn(
    dataset: str, seed: int, *, training: int, evaluation: int, grader: str, **configuration: object
) -> Drawn:
    """Training and evaluation samples of one dataset, in the order it draws them, no question twice."""
    samples = list(_distinct(dataset, seed, training + evaluation, grader, configuration))
    return samples[:training], samples[training:]


def _distinct(
    dataset: str, seed: int, count: int, grader: str, configuration: dict[str, object]
) -> Iterator[dict[str, object]]:
    from reasoning_gym import create_dataset

    seen: set[str] = set()
    for entry in create_dataset(dataset, seed=seed, size=20 * count, **configuration):
        question = entry["question"].strip()
        if question in seen:
            continue
        seen.add(question)
        yield {
            "id": f"{dataset}-{len(seen)}",
            "question": question,
            "answer": str(entry["answer"]),
            "grader": grader,
            "tags": [dataset],
        }
        if len(seen) == count:
            return
    raise ValueError(
        f"'{dataset}' draws only {len(seen)} different questions, {count} are wanted: ask for fewer"
    )
