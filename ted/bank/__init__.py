"""The bank: experiences in SQL, their vectors in an index, kept in step."""
