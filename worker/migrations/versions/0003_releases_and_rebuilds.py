"""Remember what a held plan would take away, what an operator released, and who is to be rebuilt from the calendar.

Every column may be empty, so that a worker of the version before can end its run.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("synchronizations", sa.Column("rebuild_asked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("synchronizations", sa.Column("held_going", sa.Integer(), nullable=True))
    op.add_column("synchronizations", sa.Column("held_of", sa.Integer(), nullable=True))
    op.add_column("synchronizations", sa.Column("released_reading", sa.Text(), nullable=True))
    op.create_index(
        "synchronizations_held",
        "synchronizations",
        ["tenant_id"],
        unique=False,
        postgresql_where=sa.text("enabled AND held_since IS NOT NULL"),
    )
