"""TED: training-free experience distillation. The floors are drawn in docs/architecture.md."""
