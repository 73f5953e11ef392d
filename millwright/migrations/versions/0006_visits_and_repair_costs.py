"""planned visits of tickets, repair costs of likely causes."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_AMOUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.add_column(sa.Column("visit_from", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("visit_to", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_check_constraint(
            batch_op.f("ck_ticket_visit_pair"), "(visit_from IS NULL) = (visit_to IS NULL)"
        )
        batch_op.create_check_constraint(
            batch_op.f("ck_ticket_visit_state"),
            "visit_from IS NULL OR state IN ('acknowledged', 'in_progress', 'waiting')",
        )
    with op.batch_alter_table("likely_cause", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cost_now_minor", _AMOUNT, nullable=True))
        batch_op.add_column(sa.Column("cost_failed_minor", _AMOUNT, nullable=True))
        batch_op.add_column(sa.Column("currency", sa.String(length=3), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("likely_cause", schema=None) as batch_op:
        batch_op.drop_column("currency")
        batch_op.drop_column("cost_failed_minor")
        batch_op.drop_column("cost_now_minor")
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_ticket_visit_state"), type_="check")
        batch_op.drop_constraint(batch_op.f("ck_ticket_visit_pair"), type_="check")
        batch_op.drop_column("visit_to")
        batch_op.drop_column("visit_from")
