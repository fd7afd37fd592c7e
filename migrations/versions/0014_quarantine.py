"""What is held back for a review: samples, and experiences with what was found in them

Revision 0014, after 0013.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('quarantined_samples',
    sa.Column('id', sa.String(length=255), nullable=False),
    sa.Column('project_id', sa.String(length=255), nullable=False),
    sa.Column('bank_id', sa.String(length=255), nullable=False),
    sa.Column('digest', sa.String(length=255), nullable=False),
    sa.Column('job_id', sa.String(length=255), nullable=False),
    sa.Column('sample_id', sa.String(length=255), nullable=False),
    sa.Column('found', sa.JSON(), nullable=False),
    sa.Column('accepted', sa.Boolean(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reviewed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['bank_id'], ['banks.id'], name=op.f('fk_quarantined_samples_bank_id_banks'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['job_id'], ['jobs.id'], name=op.f('fk_quarantined_samples_job_id_jobs'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_quarantined_samples_project_id_projects')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_quarantined_samples')),
    sa.UniqueConstraint('bank_id', 'digest', name=op.f('uq_quarantined_samples_bank_id_digest'))
    )
    for column in ('bank_id', 'job_id', 'project_id'):
        op.create_index(op.f(f'ix_quarantined_samples_{column}'), 'quarantined_samples', [column], unique=False)
    op.add_column('samples', sa.Column('quarantine_id', sa.String(length=255), nullable=True))
    op.add_column('experiences', sa.Column('quarantine', sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column('experiences', 'quarantine')
    op.drop_column('samples', 'quarantine_id')
    op.drop_table('quarantined_samples')
