"""Amounts of money in minor units with their currency; no rounding ever happens unseen."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from foundation.errors import Invalid

# ISO 4217 minor-unit digits that differ from two, as far as our markets go.
_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "KWD": 3, "BHD": 3, "TND": 3}


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`minor` units (cents) of an ISO 4217 `currency`."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not re.fullmatch("[A-Z]{3}", self.currency):
            raise Invalid(
                "%(currency)s is no ISO 4217 currency code, such as EUR.",
                currency=repr(self.currency),
            )

    @property
    def digits(self) -> int:
        """How many decimals the currency is written with."""
        return _DIGITS.get(self.currency, 2)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.minor).scaleb(-self.digits)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other).minor, self.currency)

    def times(self, factor: Decimal | int) -> "Money":
        """The amount times a factor, rounded half to even to the minor unit."""
        exact = Decimal(self.minor) * factor
        return Money(int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN)), self.currency)

    def split(self, parts: int) -> list["Money"]:
        """Shares that differ by at most one minor unit and add up to the whole.

        Raises:
            Invalid: when `parts` is not at least 1.
        """
        if parts < 1:
            raise Invalid("Money is split into at least one part.")
        share, rest = divmod(self.minor, parts)
        return [Money(share + (1 if i < rest else 0), self.currency) for i in range(parts)]

    def _same(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise Invalid(
                "%(currency)s cannot be added to %(own)s.",
                currency=other.currency,
                own=self.currency,
            )
        return other


def money(amount: Decimal | str | int, currency: str) -> Money:
    """Money from an amount in major units.

    Raises:
        Invalid: when it is no number, or has more decimals than the currency.
    """
    digits = Money(0, currency).digits
    try:
        minor = Decimal(amount).scaleb(digits)
    except ArithmeticError as error:
        raise Invalid("%(amount)s is no amount of money.", amount=repr(amount)) from error
    if not minor.is_finite():
        raise Invalid("%(amount)s is no amount of money.", amount=repr(amount))
    if minor != minor.to_integral_value():
        raise Invalid(
            "%(amount)s %(currency)s has more than %(digits)s decimals.",
            amount=amount,
            currency=currency,
            digits=digits,
        )
    return Money(int(minor), currency)
