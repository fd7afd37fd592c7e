"""Trials of experiences and of banks, and what the gate found

Revision 0011, after 0010.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

SUMS = [f'{side}_{total}' for side in ('shown', 'withheld') for total in ('weight', 'weight2', 'right', 'right2')]


def upgrade() -> None:
    with op.batch_alter_table('banks', schema=None) as batch_op:
        batch_op.add_column(sa.Column('trials', sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
        batch_op.add_column(sa.Column('alarm', sa.JSON(), nullable=True))
    with op.batch_alter_table('experiences', schema=None) as batch_op:
        batch_op.add_column(sa.Column('gate', sa.JSON(), nullable=True))
    with op.batch_alter_table('answers', schema=None) as batch_op:
        batch_op.add_column(sa.Column('arm', sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column('arm_propensity', sa.Double(), nullable=True))
        batch_op.add_column(sa.Column('bypassed', sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table('usage_counters', schema=None) as batch_op:
        for name in SUMS:
            batch_op.add_column(sa.Column(name, sa.Double(), nullable=False, server_default=sa.text('0')))
    with op.batch_alter_table('feedback', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_feedback_bank_id_updated_at'), ['bank_id', 'updated_at'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('feedback', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_feedback_bank_id_updated_at'))
    with op.batch_alter_table('usage_counters', schema=None) as batch_op:
        for name in reversed(SUMS):
            batch_op.drop_column(name)
    with op.batch_alter_table('answers', schema=None) as batch_op:
        for name in ('bypassed', 'arm_propensity', 'arm'):
            batch_op.drop_column(name)
    with op.batch_alter_table('experiences', schema=None) as batch_op:
        batch_op.drop_column('gate')
    with op.batch_alter_table('banks', schema=None) as batch_op:
        batch_op.drop_column('alarm')
        batch_op.drop_column('trials')
