"""Cascades of banks and answers, unlabelled samples, and answers that became samples

Revision 0013, after 0012.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

GRADED = ('samples', 'trajectories', 'solutions')


def upgrade() -> None:
    op.create_table('distilled_answers',
    sa.Column('answer_id', sa.String(length=255), nullable=False),
    sa.Column('project_id', sa.String(length=255), nullable=False),
    sa.Column('job_id', sa.String(length=255), nullable=False),
    sa.Column('sample_id', sa.String(length=255), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['answer_id'], ['answers.id'], name=op.f('fk_distilled_answers_answer_id_answers'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['job_id'], ['jobs.id'], name=op.f('fk_distilled_answers_job_id_jobs'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_distilled_answers_project_id_projects')),
    sa.PrimaryKeyConstraint('answer_id', name=op.f('pk_distilled_answers'))
    )
    op.create_index(op.f('ix_distilled_answers_job_id'), 'distilled_answers', ['job_id'], unique=False)
    op.create_index(op.f('ix_distilled_answers_project_id'), 'distilled_answers', ['project_id'], unique=False)
    with op.batch_alter_table('banks', schema=None) as batch_op:
        batch_op.add_column(sa.Column('cascade', sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
    with op.batch_alter_table('answers', schema=None) as batch_op:
        batch_op.add_column(sa.Column('cascade', sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column('harvested', sa.Boolean(), nullable=False, server_default=sa.false()))
    for table in GRADED:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column('unlabelled', sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    for table in reversed(GRADED):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column('unlabelled')
    with op.batch_alter_table('answers', schema=None) as batch_op:
        batch_op.drop_column('harvested')
        batch_op.drop_column('cascade')
    with op.batch_alter_table('banks', schema=None) as batch_op:
        batch_op.drop_column('cascade')
    op.drop_index(op.f('ix_distilled_answers_project_id'), table_name='distilled_answers')
    op.drop_index(op.f('ix_distilled_answers_job_id'), table_name='distilled_answers')
    op.drop_table('distilled_answers')
