"""Vectors in, ids out. Knows nothing of experiences, SQL sessions, HTTP or models of language."""
