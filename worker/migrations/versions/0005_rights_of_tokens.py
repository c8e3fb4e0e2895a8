"""What a token may do with calendar schedules, and in which group.

Both columns may be empty, as they are in the tokens that a worker of the version before makes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tokens", sa.Column("access_right", sa.Text(), nullable=True))
    op.add_column("tokens", sa.Column("group_name", sa.Text(), nullable=True))
