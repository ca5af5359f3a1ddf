"""when and whether: quiet hours, caps, triggers, preferences by device, what was changed

Revision: 0004, after 0003
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('event_trigger',
    sa.Column('campaign_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('app_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('event', sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
    sa.Column('schedule', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('since', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['app_id'], ['app.id'], name=op.f('fk_event_trigger_app_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_event_trigger_campaign_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('campaign_id', name=op.f('pk_event_trigger'))
    )
    op.create_table('device_preference',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('device_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('category_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('opted_in', sa.Boolean(), nullable=False),
    sa.Column('changed_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('changed_by', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.ForeignKeyConstraint(['category_id'], ['category.id'], name=op.f('fk_device_preference_category_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['device_id'], ['device.id'], name=op.f('fk_device_preference_device_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_device_preference')),
    sa.UniqueConstraint('device_id', 'category_id', name=op.f('uq_device_preference_device_id_category_id')),
    sqlite_autoincrement=True
    )
    op.create_table('preference_change',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('app_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('device_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('what', sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
    sa.Column('before', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), 'postgresql'), nullable=True),
    sa.Column('after', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), 'postgresql'), nullable=True),
    sa.Column('at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('by', sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
    sa.ForeignKeyConstraint(['app_id'], ['app.id'], name=op.f('fk_preference_change_app_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['device_id'], ['device.id'], name=op.f('fk_preference_change_device_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_preference_change_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_preference_change')),
    sqlite_autoincrement=True
    )
    op.create_index('ix_event_trigger_app', 'event_trigger', ['app_id', 'event'])
    op.create_index('ix_device_preference_category_id', 'device_preference', ['category_id'])
    op.create_index('ix_preference_change_app_id', 'preference_change', ['app_id'])
    op.create_index('ix_preference_change_device_id', 'preference_change', ['device_id'])
    op.create_index('ix_preference_change_user', 'preference_change', ['user_id', 'at'])
    op.drop_table('entry')  # nothing has ever written to it
    op.create_table('entry',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('campaign_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('event_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('event_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('run_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('context', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), 'postgresql'), nullable=False),
    sa.Column('state', sa.String(length=32), nullable=False),
    sa.Column('due_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('created_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('fk_entry_campaign_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_entry_event_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_entry_run_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_entry_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_entry')),
    sa.UniqueConstraint('campaign_id', 'event_id', 'user_id', name=op.f('uq_entry_campaign_id_event_id_user_id')),
    sqlite_autoincrement=True
    )
    op.create_index('ix_entry_due', 'entry', ['campaign_id', 'state', 'due_at'])
    op.create_index('ix_entry_again', 'entry', ['campaign_id', 'user_id', 'event_at'])
    op.create_index('ix_entry_event_id', 'entry', ['event_id'])
    op.create_index('ix_entry_user_id', 'entry', ['user_id'])
    op.create_index('ix_entry_run_id', 'entry', ['run_id'])
    op.add_column('app', sa.Column('quiet_hours', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), 'postgresql'), nullable=False, server_default='[]'))
    op.add_column('app', sa.Column('caps', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), 'postgresql'), nullable=False, server_default='[]'))
    op.add_column('app', sa.Column('color', sqlmodel.sql.sqltypes.AutoString(length=7), nullable=True))
    op.add_column('campaign', sa.Column('repeats', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('category', sa.Column('description', sqlmodel.sql.sqltypes.AutoString(length=300), nullable=False, server_default=''))
    op.add_column('category', sa.Column('caps', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), 'postgresql'), nullable=False, server_default='[]'))
    op.add_column('category', sa.Column('archived_at', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.add_column('run', sa.Column('missed_before', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.add_column('run', sa.Column('timing', sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), 'postgresql'), nullable=False, server_default='{}'))
    op.add_column('run', sa.Column('category_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
    op.add_column('run', sa.Column('priority', sa.SmallInteger(), nullable=False, server_default='0'))
    op.add_column('run', sa.Column('counts', sa.Boolean(), nullable=False, server_default=sa.true()))
    op.execute("UPDATE run SET counts = (kind <> 'test')")
    seen_index('app_id', 'last_seen', 'state', 'ephemeral_until', 'platform')
    order_of_ids('"C"')


def seen_index(*columns: str) -> None:
    op.drop_index('ix_device_last_seen', 'device')
    op.create_index('ix_device_last_seen', 'device', columns)


def order_of_ids(collation: str) -> None:
    """SQLite orders text by its bytes anyway."""
    if op.get_context().dialect.name == 'postgresql':
        op.execute(f'ALTER TABLE "user" ALTER COLUMN external_id TYPE varchar(255) COLLATE {collation}')


def downgrade() -> None:
    order_of_ids('"default"')
    seen_index("app_id", "last_seen")
    dropped = {
        "run": ("counts", "priority", "category_id", "timing", "missed_before"),
        "category": ("archived_at", "caps", "description"),
        "campaign": ("repeats",),
        "app": ("color", "caps", "quiet_hours"),
    }
    for table, columns in dropped.items():
        for column in columns:
            op.execute(f'ALTER TABLE "{table}" DROP COLUMN {column}')  # a rebuilt table would take its children along
    op.execute("DELETE FROM entry")
    with op.batch_alter_table("entry") as batch_op:
        batch_op.drop_index("ix_entry_again")
        batch_op.drop_index("ix_entry_run_id")
        batch_op.drop_constraint(op.f("fk_entry_event_id"), type_="foreignkey")
        batch_op.create_foreign_key(op.f("fk_entry_event_id"), "event", ["event_id"], ["id"], ondelete="CASCADE")
        batch_op.alter_column("event_id", existing_type=sa.BigInteger(), nullable=False)
        batch_op.drop_column("context")
        batch_op.drop_column("event_at")
    for table in ("preference_change", "device_preference", "event_trigger"):
        op.drop_table(table)
