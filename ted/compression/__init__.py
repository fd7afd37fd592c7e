"""Compression: a bank kept small and useful. Begin with flow.py."""
