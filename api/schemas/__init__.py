"""What strangers send and what they are sent, as pydantic classes, one resource a file."""
