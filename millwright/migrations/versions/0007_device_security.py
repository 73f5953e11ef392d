"""credentials and claim codes of devices, gateways."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.add_column(sa.Column("gateway_id", _ID, nullable=True))
        batch_op.create_index(batch_op.f("ix_device_gateway_id"), ["gateway_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_device_gateway_id_device"), "device", ["gateway_id"], ["id"]
        )

    op.create_table(
        "device_credential",
        sa.Column("id", _ID, nullable=False),
        sa.Column("device_id", _ID, nullable=False),
        sa.Column("user", sa.String(length=80), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("made_at", _AT, nullable=False),
        sa.Column("ends_at", _AT, nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_device_credential_device_id_device")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_credential")),
    )
    with op.batch_alter_table("device_credential", schema=None) as batch_op:
        for column in ("device_id", "user", "ends_at"):
            batch_op.create_index(batch_op.f(f"ix_device_credential_{column}"), [column])
        batch_op.create_index(
            "uq_device_credential_lasting",
            ["device_id"],
            unique=True,
            sqlite_where=sa.text("ends_at IS NULL"),
            postgresql_where=sa.text("ends_at IS NULL"),
        )

    op.create_table(
        "claim_code",
        sa.Column("id", _ID, nullable=False),
        sa.Column("device_id", _ID, nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", _AT, nullable=False),
        sa.Column("expires_at", _AT, nullable=False),
        sa.Column("used_at", _AT, nullable=True),
        sa.Column("used_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_claim_code_device_id_device")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_claim_code_code_hash")),
    )
    with op.batch_alter_table("claim_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_claim_code_device_id"), ["device_id"])

    op.create_table(
        "claim_failure",
        sa.Column("id", _ID, nullable=False),
        sa.Column("guesser", sa.String(length=80), nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_failure")),
    )
    with op.batch_alter_table("claim_failure", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_claim_failure_guesser"), ["guesser"])
        batch_op.create_index(batch_op.f("ix_claim_failure_at"), ["at"])


def downgrade() -> None:
    for table in ("claim_failure", "claim_code", "device_credential"):
        op.drop_table(table)
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_device_gateway_id_device"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_device_gateway_id"))
        batch_op.drop_column("gateway_id")
