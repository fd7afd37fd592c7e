"""The flows as jobs: begun, resumed where they stopped, ended with a result."""
