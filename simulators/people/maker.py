"""The manufacturer's product manager: tries offer rules on history and switches them on."""

from datetime import datetime, timedelta
from functools import partial

from simulators.people.person import Person

# Rules look back some weeks, so a trial before says little.
_WAITS = timedelta(days=24)
_TRIES_AGAIN = timedelta(days=20)


class Maker(Person):
    """Tries every rule, and a day later switches on what was tried."""

    def begin(self, now: datetime) -> None:
        self.plan(self.hours.next_open(now + _WAITS), self._try_all)

    def _try_all(self, now: datetime) -> None:
        self.plan(self.hours.next_open(now + _TRIES_AGAIN), self._try_all)
        for rule_id, _ in self.read("/offers", now).list_live("offer_rule"):
            address = f"/offers/rules/{rule_id}"
            page = self.read(address, now)
            if page.find_form(f"{address}/switch", enabled="yes") is not None:
                self.press(page, f"{address}/backtest")
                self.plan_work(now, 9.0, partial(self._switch_on, address))

    def _switch_on(self, address: str, now: datetime) -> None:
        page = self.read(address, now)
        form = page.find_form(f"{address}/switch", enabled="yes")
        if form is not None:
            self.visitor.press(page, form)
