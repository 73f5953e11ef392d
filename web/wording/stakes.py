"""Money at stake in words, with its arithmetic."""

from devices.repair_costs import RepairCost
from foundation.money import Money
from web.wording.translate import format_money
from web.wording.translate import gettext as _


def money_text(amount: Money) -> str:
    """An exact amount with its currency."""
    return format_money(amount.amount, amount.currency)


def stake_sentence(cost: RepairCost) -> str:
    """What is at stake and how it comes about, or why it is not known."""
    if cost.now is not None and cost.failed is not None:
        return _(
            "Repaired now it costs %(now)s, once it has failed %(failed)s. "
            "At stake are %(failed)s − %(now)s = %(stake)s.",
            now=money_text(cost.now),
            failed=money_text(cost.failed),
            stake=money_text(cost.failed - cost.now),
        )
    if cost.now is not None:
        return _(
            "Repaired now it costs %(now)s. What it costs once it has failed is not said, "
            "so nobody knows what is at stake.",
            now=money_text(cost.now),
        )
    if cost.failed is not None:
        return _(
            "Once it has failed the repair costs %(failed)s. What it costs now is not said, "
            "so nobody knows what is at stake.",
            failed=money_text(cost.failed),
        )
    return _("What the repair costs is not said, so nobody knows what is at stake.")
