"""What a repair costs now and once the part has failed, as an equipment model's maker knows it."""

import re
from dataclasses import dataclass

from foundation.errors import Invalid
from foundation.money import Money, money

# Major units; no repair costs more, and databases hold it.
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class RepairCost:
    """Both amounts are optional, and in one currency."""

    now: Money | None = None
    failed: Money | None = None

    @property
    def at_stake(self) -> Money | None:
        """What waiting until it fails costs more; None where an amount is not known."""
        if self.now is None or self.failed is None:
            return None
        return self.failed - self.now

    @classmethod
    def of_minor(cls, now: int | None, failed: int | None, currency: str | None) -> "RepairCost":
        """From what is stored."""
        if not currency:
            return cls()
        amounts = [None if each is None else Money(each, currency) for each in (now, failed)]
        return cls(*amounts)


def read_cost(now: str | None, failed: str | None, currency: str | None) -> RepairCost:
    """A cost as a definition says it, in major units such as "180.00".

    Raises:
        Invalid: when an amount is none, the currency is missing or alone, or failed is below now.
    """
    if (now is None and failed is None) != (currency is None):
        raise Invalid("A repair's cost is an amount with its currency.")
    if currency is None:
        return RepairCost()
    cost = RepairCost(_read_amount(now, currency), _read_amount(failed, currency))
    if cost.at_stake is not None and cost.at_stake.minor < 0:
        raise Invalid("A repair costs at least as much once the part has failed as now.")
    return cost


def _read_amount(text: str | None, currency: str) -> Money | None:
    if text is None:
        return None
    if not _AMOUNT.fullmatch(text):
        raise Invalid("%(amount)s is no amount of money.", amount=repr(text))
    return money(text, currency)
