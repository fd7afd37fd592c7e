"""Evaluation: the same questions under several arms, paired. Begin with flow.py."""
