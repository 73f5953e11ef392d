"""how far an organisation sees an asset, transfers of assets, grants of data and their log."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _words(length: int = 40) -> sa.String:
    return sa.String(length=length)


def _at(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _reference(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name)


def upgrade() -> None:
    _widen_visibility()
    _make_transfers()
    _make_grants()
    _make_receipts()
    _make_reads()
    _agree_defaults()
    _make_sub_dealers()


def _widen_visibility() -> None:
    with op.batch_alter_table("asset_visibility", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("reach", _words(), nullable=False, server_default="everything")
        )
        batch_op.add_column(
            sa.Column("is_shown", sa.Boolean(), nullable=False, server_default=sa.true())
        )
        batch_op.add_column(sa.Column("purpose", _words(), nullable=False, server_default="party"))
        batch_op.create_index(
            "ix_asset_visibility_shown", ["organisation_id", "is_shown", "asset_id"], unique=False
        )
    # Who has the machine no more looks back on it; who has it again sees both periods.
    op.execute(
        "UPDATE asset_visibility SET is_shown = false WHERE NOT EXISTS ("
        "SELECT 1 FROM asset_visibility AS other WHERE other.to_at IS NULL"
        " AND other.asset_id = asset_visibility.asset_id"
        " AND other.organisation_id = asset_visibility.organisation_id)"
    )
    with op.batch_alter_table("asset_visibility", schema=None) as batch_op:
        for name in ("reach", "is_shown", "purpose"):
            batch_op.alter_column(name, server_default=None)


def _make_transfers() -> None:
    op.create_table(
        "asset_transfer",
        sa.Column("id", _ID, nullable=False),
        sa.Column("asset_id", _ID, nullable=False),
        sa.Column("kind", _words(), nullable=False),
        sa.Column("from_id", _ID, nullable=True),
        sa.Column("to_id", _ID, nullable=False),
        _at("at"),
        sa.Column("site", _words(200), nullable=True),
        _at("planned_at"),
        sa.Column("planned_by_id", _ID, nullable=True),
        _at("ended_at", nullable=True),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        _reference("asset_transfer", "asset_id", "asset"),
        _reference("asset_transfer", "from_id", "organisation"),
        _reference("asset_transfer", "to_id", "organisation"),
        _reference("asset_transfer", "planned_by_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_transfer")),
    )
    with op.batch_alter_table("asset_transfer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_asset_transfer_asset_id"), ["asset_id"])
        batch_op.create_index(batch_op.f("ix_asset_transfer_to_id"), ["to_id"])
        batch_op.create_index(
            "uq_asset_transfer_open",
            ["asset_id", "kind"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )


def _make_grants() -> None:
    op.create_table(
        "data_grant",
        sa.Column("id", _ID, nullable=False),
        sa.Column("owner_id", _ID, nullable=False),
        sa.Column("grantee_id", _ID, nullable=False),
        sa.Column("asset_id", _ID, nullable=True),
        sa.Column("state", _words(), nullable=False),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("covers_story", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        _at("from_at", nullable=True),
        _at("to_at", nullable=True),
        _at("expires_at", nullable=True),
        _at("asked_at"),
        _at("changed_at"),
        _reference("data_grant", "asset_id", "asset"),
        _reference("data_grant", "grantee_id", "organisation"),
        _reference("data_grant", "owner_id", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_grant")),
    )
    with op.batch_alter_table("data_grant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_data_grant_asset_id"), ["asset_id"])
        batch_op.create_index(batch_op.f("ix_data_grant_grantee_id"), ["grantee_id"])
        batch_op.create_index("ix_data_grant_parties", ["owner_id", "grantee_id", "state"])


def _make_receipts() -> None:
    op.create_table(
        "grant_receipt",
        sa.Column("id", _ID, nullable=False),
        sa.Column("grant_id", _ID, nullable=False),
        sa.Column("owner_id", _ID, nullable=False),
        sa.Column("grantee_id", _ID, nullable=False),
        sa.Column("act", _words(), nullable=False),
        _at("at"),
        sa.Column("organisation_id", _ID, nullable=True),
        sa.Column("person_id", _ID, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        _reference("grant_receipt", "grant_id", "data_grant"),
        _reference("grant_receipt", "grantee_id", "organisation"),
        _reference("grant_receipt", "organisation_id", "organisation"),
        _reference("grant_receipt", "owner_id", "organisation"),
        _reference("grant_receipt", "person_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant_receipt")),
    )
    with op.batch_alter_table("grant_receipt", schema=None) as batch_op:
        for column in ("grant_id", "owner_id", "grantee_id"):
            batch_op.create_index(batch_op.f(f"ix_grant_receipt_{column}"), [column])


def _make_reads() -> None:
    key = ["reader_id", "person_id", "asset_id", "purpose", "day"]
    op.create_table(
        "data_read",
        sa.Column("id", _ID, nullable=False),
        sa.Column("owner_id", _ID, nullable=False),
        sa.Column("reader_id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("asset_id", _ID, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        _at("day"),
        _at("first_at"),
        _reference("data_read", "asset_id", "asset"),
        _reference("data_read", "owner_id", "organisation"),
        _reference("data_read", "person_id", "person"),
        _reference("data_read", "reader_id", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_read")),
        sa.UniqueConstraint(*key, name=op.f("uq_data_read_" + "_".join(key))),
    )
    with op.batch_alter_table("data_read", schema=None) as batch_op:
        batch_op.create_index("ix_data_read_owner", ["owner_id", "first_at"])


def _agree_defaults() -> None:
    """What was practice until now becomes a grant that owners can see, limit and revoke."""
    op.execute(
        "INSERT INTO data_grant (owner_id, grantee_id, state, purposes, metrics, covers_story,"
        " is_default, asked_at, changed_at)"
        " SELECT asset_party.organisation_id, equipment_model.manufacturer_id, 'given',"
        " '[\"service\", \"product_improvement\"]', '[]', true, true,"
        " min(asset_party.from_at), min(asset_party.from_at) FROM asset_party"
        " JOIN asset ON asset.id = asset_party.asset_id"
        " JOIN equipment_model ON equipment_model.id = asset.equipment_model_id"
        " WHERE asset_party.kind = 'owner'"
        " GROUP BY asset_party.organisation_id, equipment_model.manufacturer_id"
    )
    op.execute(
        "INSERT INTO grant_receipt (grant_id, owner_id, grantee_id, act, at, reason)"
        " SELECT id, owner_id, grantee_id, 'agreed', asked_at, 'Agreed at commissioning'"
        " FROM data_grant"
    )


def _make_sub_dealers() -> None:
    op.create_table(
        "sub_dealer",
        sa.Column("id", _ID, nullable=False),
        sa.Column("dealer_id", _ID, nullable=False),
        sa.Column("parent_id", _ID, nullable=False),
        _at("from_at"),
        _at("to_at", nullable=True),
        _reference("sub_dealer", "dealer_id", "organisation"),
        _reference("sub_dealer", "parent_id", "organisation"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sub_dealer")),
    )
    with op.batch_alter_table("sub_dealer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sub_dealer_parent_id"), ["parent_id"])
        batch_op.create_index(
            "uq_sub_dealer_open",
            ["dealer_id"],
            unique=True,
            sqlite_where=sa.text("to_at IS NULL"),
            postgresql_where=sa.text("to_at IS NULL"),
        )


def downgrade() -> None:
    op.drop_table("sub_dealer")
    op.drop_table("data_read")
    op.drop_table("grant_receipt")
    op.drop_table("data_grant")
    op.drop_table("asset_transfer")
    with op.batch_alter_table("asset_visibility", schema=None) as batch_op:
        batch_op.drop_index("ix_asset_visibility_shown")
        batch_op.drop_column("purpose")
        batch_op.drop_column("is_shown")
        batch_op.drop_column("reach")
