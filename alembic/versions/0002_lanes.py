"""lanes: their pace, their reports, quarantine, dead letters; topics

Revision: 0002, after 0001
"""

import sqlalchemy as sa
import sqlmodel
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NEW_COLUMNS = (
    ("run", "errors"),
    ("run", "answered"),
    ("run", "throttle_per_minute"),
    ("credential", "trusted_until"),
    ("credential", "quarantine_reason"),
    ("credential", "quarantined_at"),
    ("credential", "expires_at"),
    ("credential", "max_per_second"),
    ("credential", "held_kind"),
    ("app", "error_limit_percent"),
)


def upgrade() -> None:
    op.create_table(
        "pace",
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("filled_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("recent", sa.Float(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("ramp_started_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("slowed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pace")),
    )
    op.create_table(
        "lane_report",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("process", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("credential_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column(
            "data",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credential.id"], name=op.f("fk_lane_report_credential_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lane_report")),
        sa.UniqueConstraint("process", "credential_id", name=op.f("uq_lane_report_process_credential_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("lane_report", schema=None) as batch_op:
        batch_op.create_index("ix_lane_report_at", ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_lane_report_credential_id"), ["credential_id"], unique=False)

    op.create_table(
        "topic_subscription",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("app_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("topic", sqlmodel.sql.sqltypes.AutoString(length=900), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("not_before", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("changed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_topic_subscription_app_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_topic_subscription_device_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic_subscription")),
        sa.UniqueConstraint("device_id", "topic", name=op.f("uq_topic_subscription_device_id_topic")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("topic_subscription", schema=None) as batch_op:
        batch_op.create_index("ix_topic_subscription_app", ["app_id", "topic", "state"], unique=False)
        batch_op.create_index("ix_topic_subscription_due", ["state", "not_before"], unique=False)

    op.create_table(
        "dead_letter",
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("app_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("credential_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("raw", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["app.id"], name=op.f("fk_dead_letter_app_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credential.id"], name=op.f("fk_dead_letter_credential_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name=op.f("fk_dead_letter_delivery_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_dead_letter_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_dead_letter")),
    )
    with op.batch_alter_table("dead_letter", schema=None) as batch_op:
        batch_op.create_index("ix_dead_letter_app", ["app_id", "delivery_id"], unique=False)
        batch_op.create_index("ix_dead_letter_at", ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_dead_letter_credential_id"), ["credential_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dead_letter_run_id"), ["run_id"], unique=False)

    op.drop_index("ix_chunk_claim", table_name="chunk")
    op.create_index("ix_chunk_oldest", "chunk", ["state", "priority", "not_before", "id"])
    op.create_index("ix_chunk_smallest", "chunk", ["state", "priority", "number", "id"])

    with op.batch_alter_table("app", schema=None) as batch_op:
        batch_op.add_column(sa.Column("error_limit_percent", sa.Integer(), nullable=False, server_default="20"))

    with op.batch_alter_table("credential", schema=None) as batch_op:
        batch_op.add_column(sa.Column("held_kind", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("max_per_second", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("expires_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("quarantined_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("quarantine_reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        batch_op.add_column(sa.Column("trusted_until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))

    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.add_column(sa.Column("throttle_per_minute", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("answered", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("errors", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    for name in ("ix_chunk_smallest", "ix_chunk_oldest"):
        op.drop_index(name, table_name="chunk")
    op.create_index("ix_chunk_claim", "chunk", ["state", "not_before", "priority", "id"])
    for table, column in NEW_COLUMNS:
        op.execute(f'ALTER TABLE "{table}" DROP COLUMN {column}')  # a rebuilt table would take its children along
    for table in ("dead_letter", "topic_subscription", "lane_report", "pace"):
        op.drop_table(table)
