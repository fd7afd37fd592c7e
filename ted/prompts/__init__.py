"""Prompts as pure functions over templates/*.md, and completions back into our types."""

VERSION = "2"
"""Of templates and output schemas together; stands in every experience's provenance."""
