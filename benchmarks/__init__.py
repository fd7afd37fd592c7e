"""How fast and small TED is, beside what others would use: one file a row, one report. The tests run none in full."""
