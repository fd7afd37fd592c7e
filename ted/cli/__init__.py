"""The command line: translates between a terminal and the flows, decides nothing."""
