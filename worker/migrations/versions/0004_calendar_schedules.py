"""Groups of people, and the calendar schedules of tenants, groups and people.

New tables only, so that a worker of the version before can go on; a person or group that it removes takes its rows
along.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _groups()
    _schedules()
    op.create_table(
        "calendar_periods",
        sa.Column("schedule_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("words", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("kept", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["calendar_schedules.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("schedule_id", "name"),
    )
    op.create_table(
        "calendar_spans",
        sa.Column("schedule_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["calendar_schedules.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("schedule_id", "starts_at"),
    )


def _groups() -> None:
    op.create_table(
        "groups",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "name"),
    )
    op.create_table(
        "memberships",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "user_id", "source"),
    )
    op.create_index("memberships_user", "memberships", ["user_id"], unique=False)


def _schedules() -> None:
    op.create_table(
        "calendar_schedules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("effect", sa.Text(), server_default=sa.text("'none'"), nullable=False),
        sa.Column("kept", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("spans_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("spans_zone", sa.Text(), nullable=True),
        sa.CheckConstraint("group_id IS NULL OR user_id IS NULL", name="calendar_schedules_parent"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    for level, parent, condition in (
        ("tenant", "tenant_id", "group_id IS NULL AND user_id IS NULL"),
        ("group", "group_id", "group_id IS NOT NULL"),
        ("user", "user_id", "user_id IS NOT NULL"),
    ):
        op.create_index(
            f"calendar_schedules_of_{level}",
            "calendar_schedules",
            [parent, "name"],
            unique=True,
            postgresql_where=sa.text(condition),
        )
