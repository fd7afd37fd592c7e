"""The rows that there are, in the report's order: a new one is a file beside this one, and a name here."""

from __future__ import annotations

from benchmarks import row_01_embed_one, row_02_embed_batch, row_07_retrieve, row_10_start
from benchmarks.measures import Row

ROWS: tuple[Row, ...] = (row_01_embed_one, row_02_embed_batch, row_07_retrieve, row_10_start)
