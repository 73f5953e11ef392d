"""Offers as people deal with them: a dealer checks and delivers, a customer weighs and answers.

Both find out from the page's forms what may be done now.
"""

from datetime import datetime, timedelta
from functools import partial

from simulators.browser import Form, Page
from simulators.people.person import Chore, Person

_VETOES, _REGRETS, _SILENT = 0.15, 0.08, 0.2
_TRIES_AGAIN = timedelta(days=3)
# What one of a benefit's unit is worth to somebody, in money; risks are hard to weigh.
_WORTH_OF = {"money/a": 1.0, "h": 60.0}
_UNSURE = 0.45


class OfferDesk:
    """A dispatcher's part: veto, send or withdraw, then confirm and complete what was ordered."""

    def __init__(self, who: Person) -> None:
        self._who = who
        self._pending: set[int] = set()

    def hear(self, offer_id: int, now: datetime) -> None:
        """Something changed about an offer: they look when they have time."""
        if offer_id not in self._pending:
            self._pending.add(offer_id)
            hours = self._who.habits.takes(0.5, 9.0, "offer", offer_id, now)
            self._who.plan_work(now, hours, partial(self._handle, offer_id), Chore.OFFERS)

    def _handle(self, offer_id: int, now: datetime) -> None:
        self._pending.discard(offer_id)
        page = self._who.visitor.read(f"/offers/{offer_id}")
        if page.find_form(f"/offers/{offer_id}/send") is not None:
            self._check(page, offer_id, now)
        elif (form := _find_order(page, "confirm")) is not None:
            self._who.visitor.press(page, form)
            hours = self._who.habits.takes(8.0, 60.0, "delivers", offer_id)
            self._who.plan_work(now, hours, partial(self._deliver, offer_id))

    def _check(self, page: Page, offer_id: int, now: datetime) -> None:
        address = f"/offers/{offer_id}"
        if self._who.habits.happens(_VETOES, "vetoes", offer_id):
            self._end(page, f"{address}/veto", offer_id)
            return
        self._who.press(page, f"{address}/send")
        # Nothing is sent while an alarm or a ticket is open on the machine, as the page then says.
        after = self._who.visitor.read(address)
        if after.find_form(f"{address}/send") is not None:
            self._pending.add(offer_id)
            later = self._who.hours.next_open(now + _TRIES_AGAIN)
            self._who.plan(later, partial(self._handle, offer_id), Chore.OFFERS)
        else:
            serial = page.get_mark("offer-head", "serial")
            self._who.around.call_about_offer(serial, offer_id, now)
            if self._who.habits.happens(_REGRETS, "regrets", offer_id):
                hours = self._who.habits.takes(1.0, 9.0, "regrets", offer_id)
                self._who.plan_work(now, hours, partial(self._regret, offer_id), Chore.OFFERS)

    def _regret(self, offer_id: int, now: datetime) -> None:
        """Something speaks against it after all: withdrawn, unless the customer was quicker."""
        page = self._who.read(f"/offers/{offer_id}", now)
        if page.find_form(f"/offers/{offer_id}/withdraw") is not None:
            self._end(page, f"/offers/{offer_id}/withdraw", offer_id)

    def _end(self, page: Page, address: str, offer_id: int) -> None:
        form = page.find_form(address)
        self._who.visitor.press(page, form, reason=_choose(self._who, form, offer_id))

    def _deliver(self, offer_id: int, now: datetime) -> None:
        page = self._who.read(f"/offers/{offer_id}", now)
        form = _find_order(page, "complete")
        if form is not None:
            self._who.visitor.press(page, form)


class OfferReader:
    """A customer's part: reads what was sent, and accepts the sooner it pays back."""

    def __init__(self, who: Person) -> None:
        self._who = who

    def hear(self, offer_id: int, now: datetime) -> None:
        """The dealer sent an offer: they look when they have time, or never."""
        if not self._who.habits.happens(_SILENT, "silent", offer_id):
            hours = self._who.habits.takes(2.0, 30.0, "offer", offer_id)
            self._who.plan_work(now, hours, partial(self._read, offer_id), Chore.OFFERS)

    def _read(self, offer_id: int, now: datetime) -> None:
        address = f"/offers/{offer_id}"
        page = self._who.read(address, now)
        if page.find_form(f"{address}/seen") is not None:
            self._who.press(page, f"{address}/seen")
        hours = self._who.habits.takes(4.0, 60.0, "weighs", offer_id)
        self._who.plan_work(now, hours, partial(self._answer, offer_id), Chore.ANSWERS)

    def _answer(self, offer_id: int, now: datetime) -> None:
        address = f"/offers/{offer_id}"
        page = self._who.read(address, now)
        form = page.find_form(f"{address}/accept")
        if form is None:
            return
        if self._who.habits.happens(_find_appeal(page), "accepts", offer_id):
            self._who.visitor.press(page, form)
        else:
            form = page.find_form(f"{address}/decline")
            self._who.visitor.press(page, form, reason=_choose(self._who, form, offer_id))


def _find_appeal(page: Page) -> float:
    """How likely somebody accepts: the more a year's benefit is beside the price, the likelier."""
    benefit = float(page.get_mark("offer-head", "benefit") or 0.0)
    price = float(page.get_mark("offer-head", "price") or 0.0)
    worth = _WORTH_OF.get(page.get_mark("offer-head", "unit"))
    if worth is None or benefit <= 0.0 or price <= 0.0:
        return _UNSURE
    benefit *= worth
    return min(0.9, max(0.1, benefit / (benefit + price)))


def _find_order(page: Page, move: str) -> Form | None:
    """The form that takes the offer's order on."""
    forms = (form for form in page.forms if form.action.startswith("/orders/"))
    return next((form for form in forms if form.fields.get("move") == move), None)


def _choose(who: Person, form: Form | None, offer_id: int) -> str:
    """One of the reasons that the form gives."""
    reasons = list(form.choices["reason"]) if form is not None else []
    return reasons[int(who.habits.draw("why", offer_id) * len(reasons))] if reasons else ""
