"""What a merge inherits, and samples to validate with

Revision 0015, after 0014. Merges of older stores have inherited nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('usage_counters', sa.Column('inherited', sa.JSON(), nullable=True))
    op.add_column('samples', sa.Column('role', sa.String(length=255), server_default='work', nullable=False))


def downgrade() -> None:
    op.drop_column('samples', 'role')
    op.drop_column('usage_counters', 'inherited')
