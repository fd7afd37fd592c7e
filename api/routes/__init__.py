"""One resource a file: from a request to a call of ted and back. Routes decide nothing."""
