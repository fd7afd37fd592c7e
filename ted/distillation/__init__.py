"""Distillation: from samples to experiences. Begin with flow.py."""
