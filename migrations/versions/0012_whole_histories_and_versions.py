"""Whole states in histories, and names of revisions

Revision 0012, after 0011. The newest entry of each history is the present state, so its pin, tags and keys are filled in;
what older entries of older stores left out stays unknown.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0012'
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('bank_versions',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('project_id', sa.String(length=255), nullable=False),
    sa.Column('bank_id', sa.String(length=255), nullable=False),
    sa.Column('name', sa.String(length=255), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['bank_id'], ['banks.id'], name=op.f('fk_bank_versions_bank_id_banks'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_bank_versions_project_id_projects')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bank_versions')),
    sa.UniqueConstraint('bank_id', 'name', name=op.f('uq_bank_versions_bank_id_name'))
    )
    op.create_index(op.f('ix_bank_versions_bank_id'), 'bank_versions', ['bank_id'], unique=False)
    op.create_index(op.f('ix_bank_versions_project_id'), 'bank_versions', ['project_id'], unique=False)
    op.add_column('experience_history', sa.Column('pinned', sa.Boolean(), nullable=True))
    op.add_column('experience_history', sa.Column('tags', sa.JSON(), nullable=True))
    op.add_column('experience_history', sa.Column('keys', sa.JSON(), nullable=True))
    _fill_in()


def _fill_in() -> None:
    connection = op.get_bind()
    experiences = sa.table('experiences', sa.column('id'), sa.column('pinned', sa.Boolean), sa.column('tags', sa.JSON))
    history = sa.table('experience_history', sa.column('id'), sa.column('experience_id'),
                       sa.column('pinned', sa.Boolean), sa.column('tags', sa.JSON), sa.column('keys', sa.JSON))
    keys = sa.table('experience_keys', sa.column('id'), sa.column('experience_id'), sa.column('kind'),
                    sa.column('text'), sa.column('image_sha256'))
    newest = dict(connection.execute(
        sa.select(history.c.experience_id, sa.func.max(history.c.id)).group_by(history.c.experience_id)
    ).tuples().all())
    found: dict[str, list[dict[str, str]]] = {}
    for key in connection.execute(sa.select(keys).order_by(keys.c.id)):
        told = {'kind': key.kind, 'text': key.text, 'image_sha256': key.image_sha256 or ''}
        found.setdefault(key.experience_id, []).append(told)
    for row in connection.execute(sa.select(experiences)).all():
        if row.id in newest:
            connection.execute(
                sa.update(history).where(history.c.id == newest[row.id])
                .values(pinned=row.pinned, tags=row.tags, keys=found.get(row.id, []))
            )


def downgrade() -> None:
    op.drop_column('experience_history', 'keys')
    op.drop_column('experience_history', 'tags')
    op.drop_column('experience_history', 'pinned')
    op.drop_index(op.f('ix_bank_versions_project_id'), table_name='bank_versions')
    op.drop_index(op.f('ix_bank_versions_bank_id'), table_name='bank_versions')
    op.drop_table('bank_versions')
