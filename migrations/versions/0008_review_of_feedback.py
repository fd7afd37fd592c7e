"""Review of feedback: accepted, rejected, or neither yet

Revision 0008, after 0007.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('feedback', schema=None) as batch_op:
        batch_op.add_column(sa.Column('accepted', sa.Boolean(), nullable=True))
    op.execute(sa.text('UPDATE feedback SET accepted = reviewed WHERE reviewed'))
    with op.batch_alter_table('feedback', schema=None) as batch_op:
        batch_op.drop_column('reviewed')


def downgrade() -> None:
    with op.batch_alter_table('feedback', schema=None) as batch_op:
        batch_op.add_column(sa.Column('reviewed', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(sa.text('UPDATE feedback SET reviewed = (accepted IS NOT NULL)'))
    with op.batch_alter_table('feedback', schema=None) as batch_op:
        batch_op.alter_column('reviewed', server_default=None)
        batch_op.drop_column('accepted')
