"""What answers demonstrated, and what else rows of evaluations tell

Revision 0010, after 0009.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('answers', schema=None) as batch_op:
        batch_op.add_column(sa.Column('demonstrations', sa.JSON(), server_default='[]', nullable=False))

    with op.batch_alter_table('evaluation_rows', schema=None) as batch_op:
        batch_op.add_column(sa.Column('details', sa.JSON(), server_default='{}', nullable=False))


def downgrade() -> None:
    with op.batch_alter_table('evaluation_rows', schema=None) as batch_op:
        batch_op.drop_column('details')

    with op.batch_alter_table('answers', schema=None) as batch_op:
        batch_op.drop_column('demonstrations')
