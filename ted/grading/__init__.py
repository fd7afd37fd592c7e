"""Graders: is a final answer right? One file a grader; `grade` chooses, `grading` asks a model where one must judge."""
