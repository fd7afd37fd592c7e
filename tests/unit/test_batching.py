"""One thread embeds for all callers: batches of what waits, within a bound, and each gets what it asked for."""

from __future__ import annotations

import gc
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest

from index.embedders.batching import Batcher
from index.protocols import Vectors
from tests.serving import until


class Lengths:
    """Embeds a text as its length. Its first batch waits until `go`; of "bad" it wants to know nothing."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.under_way, self.most_under_way = 0, 0
        self.entered, self.go = threading.Event(), threading.Event()

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.batches.append(list(texts))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        self.entered.set()
        assert self.go.wait(30)
        self.under_way -= 1
        if "bad" in texts:
            raise ValueError("a bad text")
        return np.array([[len(text)] for text in texts], dtype=np.float32)


def asked(batcher: Batcher, pool: ThreadPoolExecutor, texts: Sequence[str]) -> Future[Vectors]:
    """The call, once it waits in the queue."""
    before = batcher.waiting
    made = pool.submit(batcher.rows, texts)
    until(lambda: batcher.waiting > before)
    return made


def test_what_is_asked_while_the_thread_is_busy_is_one_batch() -> None:
    lengths = Lengths()
    batcher = Batcher(lengths)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(batcher.rows, ["first"])
        assert lengths.entered.wait(30)
        others = [asked(batcher, pool, ["x" * n, "same"]) for n in range(1, 6)]

        lengths.go.set()

        assert first.result(30).tolist() == [[5]]
        assert [rows.result(30).tolist() for rows in others] == [[[n], [4]] for n in range(1, 6)]
    assert [len(batch) for batch in lengths.batches] == [1, 6]  # "same" is embedded once
    assert lengths.most_under_way == 1


def test_a_batch_keeps_its_bound() -> None:
    lengths = Lengths()
    batcher = Batcher(lengths, most=4)
    with ThreadPoolExecutor(8) as pool:
        pool.submit(batcher.rows, ["first"])
        assert lengths.entered.wait(30)
        for n in range(3):
            asked(batcher, pool, [f"{n} one", f"{n} two", f"{n} three"])

        lengths.go.set()

    assert [len(batch) for batch in lengths.batches] == [1, 3, 3, 3]


def test_a_long_list_lets_others_in_between_its_pieces() -> None:
    lengths = Lengths()
    batcher = Batcher(lengths, most=2)
    with ThreadPoolExecutor(8) as pool:
        long = pool.submit(batcher.rows, ["aaaa", "b", "ccc", "dd", "eeeee"])
        assert lengths.entered.wait(30)
        asked(batcher, pool, ["a question"])

        lengths.go.set()

        assert long.result(30).tolist() == [[4], [1], [3], [2], [5]]
    assert lengths.batches.index(["a question"]) == 1


def test_an_error_reaches_those_whose_texts_raise_it() -> None:
    lengths = Lengths()
    batcher = Batcher(lengths)
    with ThreadPoolExecutor(8) as pool:
        pool.submit(batcher.rows, ["first"])
        assert lengths.entered.wait(30)
        good, bad = asked(batcher, pool, ["good"]), asked(batcher, pool, ["bad"])

        lengths.go.set()

        assert good.result(30).tolist() == [[4]]
        with pytest.raises(ValueError, match="a bad text"):
            bad.result(30)
    assert batcher.rows(["still there"]).tolist() == [[11]]


def test_who_finds_nobody_at_it_needs_no_other_thread() -> None:
    lengths = Lengths()
    lengths.go.set()
    before = set(threading.enumerate())

    rows = Batcher(lengths).rows(["a text", "another"])

    assert rows.tolist() == [[6], [7]]
    assert set(threading.enumerate()) == before


def test_the_thread_ends_with_its_batcher() -> None:
    lengths = Lengths()
    before = set(threading.enumerate())
    batcher = Batcher(lengths)
    with ThreadPoolExecutor(2) as pool:
        pool.submit(batcher.rows, ["first"])
        assert lengths.entered.wait(30)
        asked(batcher, pool, ["another"])
        lengths.go.set()
    (thread,) = set(threading.enumerate()) - before

    del batcher
    gc.collect()

    thread.join(30)
    assert not thread.is_alive()
