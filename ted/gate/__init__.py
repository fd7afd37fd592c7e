"""The gate: whether a proposed experience is admitted. Begin with trying.py."""
