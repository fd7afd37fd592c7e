"""The schema's history as Alembic revisions, and bringing a database to its head."""
