"""Graders: is a final answer right? One file a grader; `grade` chooses. None of them asks a model."""
