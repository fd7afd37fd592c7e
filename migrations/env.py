"""What Alembic runs: our metadata against the connection it is handed."""

from __future__ import annotations

from alembic import context

import ted.bank.job_tables
import ted.bank.key_tables  # noqa: F401 - both register their tables
from ted.bank.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
