"""The manufacturer's product manager: tries offer rules on history, then switches them on."""

from datetime import datetime, timedelta
from functools import partial

from simulators.people.cast import Profile
from simulators.people.person import Person, Surroundings

# Rules look back some weeks, so a trial before says little.
_WAITS = timedelta(days=24)
# One rule after the other, so that dealers learn of each what customers think of it.
_PAUSE = timedelta(days=4)
_READS_RESULT_AFTER_H = 9.0


class Maker(Person):
    """Takes the cheapest first, and switches on what was tried a day before."""

    def __init__(self, profile: Profile, url: str, seed: int, around: Surroundings) -> None:
        super().__init__(profile, url, seed, around)
        self._tried: set[int] = set()

    def begin(self, now: datetime) -> None:
        self.plan(self.hours.next_open(now + _WAITS), self._try_next)

    def _try_next(self, now: datetime) -> None:
        self.plan(self.hours.next_open(now + _PAUSE), self._try_next)
        listed = self.read("/offers", now).list_live("offer_rule")
        by_price = sorted((int(told["data-price"]), rule_id) for rule_id, told in listed)
        for rule_id in (each for _, each in by_price if each not in self._tried):
            self._tried.add(rule_id)
            address = f"/offers/rules/{rule_id}"
            page = self.read(address, now)
            if page.find_form(f"{address}/switch", enabled="yes") is not None:
                self.press(page, f"{address}/backtest")
                self.plan_work(now, _READS_RESULT_AFTER_H, partial(self._switch_on, address))
                return

    def _switch_on(self, address: str, now: datetime) -> None:
        page = self.read(address, now)
        form = page.find_form(f"{address}/switch", enabled="yes")
        if form is not None:
            self.visitor.press(page, form)
