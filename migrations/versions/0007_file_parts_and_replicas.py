"""Bytes of files in the database, and the servers that share one

Revision 0007, after 0006.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

PART_BYTES = 1 << 20


def upgrade() -> None:
    parts = op.create_table('file_parts',
    sa.Column('project_id', sa.String(length=255), nullable=False),
    sa.Column('sha256', sa.String(length=255), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_file_parts_project_id_projects')),
    sa.PrimaryKeyConstraint('project_id', 'sha256', 'number', name=op.f('pk_file_parts'))
    )
    op.create_table('replicas',
    sa.Column('name', sa.String(length=255), nullable=False),
    sa.Column('lives_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_replicas'))
    )
    take_in_files(op.get_bind(), parts)


def take_in_files(connection: sa.Connection, parts: sa.Table) -> None:
    """Files that lay beside a SQLite database come into it; a row without its bytes goes."""
    if connection.dialect.name != 'sqlite' or not connection.engine.url.database:
        return
    folder = Path(connection.engine.url.database).parent / 'files'
    for project_id, sha256 in connection.execute(sa.text('select distinct project_id, sha256 from files')).all():
        if not (folder / sha256).is_file():
            connection.execute(sa.text('delete from files where sha256 = :sha256'), {'sha256': sha256})
            continue
        with (folder / sha256).open('rb') as file:
            number = 0
            while (data := file.read(PART_BYTES)) or number == 0:
                kept = {'project_id': project_id, 'sha256': sha256, 'number': number, 'data': data}
                connection.execute(sa.insert(parts), kept)
                number += 1


def downgrade() -> None:
    op.drop_table('replicas')
    op.drop_table('file_parts')
