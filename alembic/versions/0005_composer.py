"""what is composed: shared blocks, data of templates, testers, approval

Revision: 0005, after 0004
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('content_block',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('app_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('text', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('locales', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('created_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('updated_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('updated_by', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
    sa.ForeignKeyConstraint(['app_id'], ['app.id'], name=op.f('fk_content_block_app_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_content_block')),
    sa.UniqueConstraint('app_id', 'name', name=op.f('uq_content_block_app_id_name')),
    sqlite_autoincrement=True
    )
    op.create_table('approval',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('app_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('campaign_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('content_hash', sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
    sa.Column('state', sa.String(length=32), nullable=False),
    sa.Column('audience', sa.Integer(), nullable=False),
    sa.Column('note', sqlmodel.sql.sqltypes.AutoString(length=1000), nullable=False),
    sa.Column('asked_by', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=False),
    sa.Column('asked_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('answer', sqlmodel.sql.sqltypes.AutoString(length=1000), nullable=False),
    sa.Column('answered_by', sqlmodel.sql.sqltypes.AutoString(length=400), nullable=True),
    sa.Column('answered_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['app_id'], ['app.id'], name=op.f('fk_approval_app_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_approval_campaign_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_approval')),
    sqlite_autoincrement=True
    )
    op.create_table('tester',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('app_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('member_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.Column('created_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['app_id'], ['app.id'], name=op.f('fk_tester_app_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['member_id'], ['member.id'], name=op.f('fk_tester_member_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_tester_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tester')),
    sa.UniqueConstraint('app_id', 'user_id', name=op.f('uq_tester_app_id_user_id')),
    sqlite_autoincrement=True
    )
    op.create_index('ix_approval_app_id', 'approval', ['app_id'])
    op.create_index('ix_approval_campaign', 'approval', ['campaign_id', 'id'])
    op.create_index('ix_tester_user_id', 'tester', ['user_id'])
    op.create_index('ix_tester_member_id', 'tester', ['member_id'])
    json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), 'postgresql')
    op.add_column('app', sa.Column('website', sqlmodel.sql.sqltypes.AutoString(length=500), nullable=True))
    op.add_column('app', sa.Column('link_schemes', json, nullable=False, server_default='[]'))
    op.add_column('app', sa.Column('approval_required', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('template_version', sa.Column('data_schema', json, nullable=True))
    op.add_column('template_version', sa.Column('restored_from', sa.Integer(), nullable=True))


def downgrade() -> None:
    dropped = {"template_version": ("restored_from", "data_schema"), "app": ("approval_required", "link_schemes", "website")}
    for table, columns in dropped.items():
        for column in columns:
            op.execute(f'ALTER TABLE "{table}" DROP COLUMN {column}')  # a rebuilt table would take its children along
    for table in ("tester", "approval", "content_block"):
        op.drop_table(table)
