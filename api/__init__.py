"""The REST face of TED: translates between HTTP and the flows, decides nothing."""
