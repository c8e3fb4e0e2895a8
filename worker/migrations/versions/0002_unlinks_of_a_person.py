"""Find the unlinks of a person without reading everybody's."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("unlinks_person", "unlinks", ["tenant_id", "username"], unique=False)
