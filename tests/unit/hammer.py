"""Threads that search a FaissIndex while others change it; a process of its own, since what is feared is its crash."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from index.exact_index import ExactIndex
from index.faiss_index import FaissIndex
from index.protocols import Vectors
from index.vectors import unit

DIMENSION = 32
SEARCHERS = 8
WRITERS = 3
ROUNDS = 400
SHARE = 400  # ids of one writer
STEADY = range(20)  # of each writer's share, those that are replaced and never removed


def main() -> None:
    pool = unit(np.random.default_rng(0).normal(size=(5000, DIMENSION)))
    index = FaissIndex(DIMENSION)
    steady = [writer * SHARE + i for writer in range(WRITERS) for i in STEADY]
    index.add(steady, pool[: len(steady)])
    done = threading.Event()
    with ThreadPoolExecutor(SEARCHERS + WRITERS) as threads:
        searches = [threads.submit(search, index, pool, seed, steady, done) for seed in range(SEARCHERS)]
        changes = [threads.submit(change, index, pool, writer) for writer in range(WRITERS)]
        try:
            held = {id: row for written in changes for id, row in written.result().items()}
        finally:
            done.set()
        assert all(searched.result() > 0 for searched in searches)

    reference = ExactIndex(DIMENSION)
    reference.add(list(held), np.stack(list(held.values())))
    assert len(index) == len(reference)
    assert index.search(pool[:200], k=20) == reference.search(pool[:200], k=20)
    assert np.array_equal(index.vectors(list(held)), reference.vectors(list(held)))


def search(index: FaissIndex, pool: Vectors, seed: int, steady: list[int], done: threading.Event) -> int:
    """Searches until done; returns how often. What is always there must always be found, mid-replacement too."""
    chance = np.random.default_rng(seed)
    times = 0
    while not done.is_set():
        rows = pool[chance.choice(len(pool), size=3)]
        for hits in index.search(rows, k=10):
            order = [(-hit.similarity, hit.id) for hit in hits]
            assert order == sorted(order)
            assert len(hits) == 10
        for hits in index.search(rows, k=len(steady), only=steady):
            assert {hit.id for hit in hits} == set(steady)
        times += 1
    return times


def change(index: FaissIndex, pool: Vectors, writer: int) -> dict[int, Vectors]:
    """Adds, replaces and removes ids of its own share; returns what it left there."""
    chance = np.random.default_rng(100 + writer)
    first = writer * SHARE
    held: dict[int, Vectors] = {first + i: pool[len(STEADY) * writer + i] for i in STEADY}
    for _ in range(ROUNDS):
        ids = (first + len(STEADY) + chance.choice(SHARE - len(STEADY), size=40, replace=False)).tolist()
        fresh = [id for id in ids if id not in held]
        rows = pool[chance.choice(len(pool), size=len(fresh))]
        index.add(fresh, rows)
        held.update(zip(fresh, rows, strict=True))
        replaced = [*ids[:20], *(first + i for i in STEADY)]
        rows = pool[chance.choice(len(pool), size=len(replaced))]
        index.replace(replaced, rows)
        held.update(zip(replaced, rows, strict=True))
        assert index.remove(ids[10:30]) == 20
        for id in ids[10:30]:
            del held[id]
    return held


if __name__ == "__main__":
    main()
