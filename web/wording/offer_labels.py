"""What a person reads for each code of offers and orders: states, moves, reasons, figures."""

from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from services.offers.kinds.contract import ValueKind
from services.offers.rules import DeclineReason, OfferMove, OfferState, VetoReason, WithdrawReason
from services.orders.rules import OrderMove, OrderState

Labels = Mapping[str, LazyString]

VALUE_KINDS: Labels = {
    ValueKind.LOWER_RISK: _("Lower risk"),
    ValueKind.LOWER_COST: _("Lower cost"),
    ValueKind.MORE_REVENUE: _("More revenue"),
    ValueKind.MORE_EFFICIENCY: _("More efficiency"),
}
VALUE_ICONS: Mapping[str, str] = {
    ValueKind.LOWER_RISK: "shared-readings",
    ValueKind.LOWER_COST: "sort-down",
    ValueKind.MORE_REVENUE: "trend-up",
    ValueKind.MORE_EFFICIENCY: "insights",
}

OFFER_STATES: Labels = {
    OfferState.HELD_OUT: _("Held out"),
    OfferState.PROPOSED: _("To check"),
    OfferState.VETOED: _("Not sent"),
    OfferState.SENT: _("Sent"),
    OfferState.SEEN: _("Seen"),
    OfferState.ACCEPTED: _("Accepted"),
    OfferState.DECLINED: _("Declined"),
    OfferState.EXPIRED: _("Out of time"),
    OfferState.WITHDRAWN: _("Withdrawn"),
}
OFFER_STATES_FOR_CUSTOMER: Labels = {
    **OFFER_STATES,
    OfferState.SENT: _("New for you"),
    OfferState.SEEN: _("Waits for your answer"),
}
# State → (icon, colour) of its mark.
OFFER_MARKS: Mapping[str, tuple[str, str]] = {
    OfferState.HELD_OUT: ("pause", ""),
    OfferState.PROPOSED: ("flag", "accent"),
    OfferState.VETOED: ("cross", ""),
    OfferState.SENT: ("send", "watch"),
    OfferState.SEEN: ("eye", "watch"),
    OfferState.ACCEPTED: ("check-circle", "well"),
    OfferState.DECLINED: ("thumb-down", ""),
    OfferState.EXPIRED: ("clock", ""),
    OfferState.WITHDRAWN: ("reset", ""),
}

VETO_REASONS: Labels = {
    VetoReason.NOT_FITTING: _("Does not fit this customer"),
    VetoReason.EVIDENCE_WRONG: _("The figures are not right"),
    VetoReason.CUSTOMER_RELATION: _("Not the right moment with them"),
    VetoReason.NO_CAPACITY: _("We could not deliver"),
    VetoReason.OTHER: _("Something else"),
}
DECLINE_REASONS: Labels = {
    DeclineReason.TOO_EXPENSIVE: _("Too expensive"),
    DeclineReason.NOT_NEEDED: _("Not needed"),
    DeclineReason.NOT_NOW: _("Not now"),
    DeclineReason.NOT_CONVINCED: _("The arithmetic does not convince me"),
    DeclineReason.ELSEWHERE: _("We buy it elsewhere"),
    DeclineReason.OTHER: _("Something else"),
}
WITHDRAW_REASONS: Labels = {
    WithdrawReason.MISTAKE: _("It was a mistake"),
    WithdrawReason.CIRCUMSTANCES: _("Circumstances changed"),
    WithdrawReason.CONSENT_ENDED: _("The customer switched offers off"),
    WithdrawReason.PARTIES_CHANGED: _("The machine has another owner or dealer"),
}
DEALER_WITHDRAW_REASONS: Labels = {
    reason: WITHDRAW_REASONS[reason]
    for reason in (WithdrawReason.CIRCUMSTANCES, WithdrawReason.MISTAKE)
}
# The three lists name different things by different codes, but for “other”, which says the same.
OFFER_REASONS: Labels = {**VETO_REASONS, **DECLINE_REASONS, **WITHDRAW_REASONS}

ORDER_STATES: Labels = {
    OrderState.ORDERED: _("Ordered"),
    OrderState.CONFIRMED: _("Confirmed"),
    OrderState.DONE: _("Done"),
    OrderState.CANCELLED: _("Cancelled"),
}
ORDER_MARKS: Mapping[str, tuple[str, str]] = {
    OrderState.ORDERED: ("flag", "accent"),
    OrderState.CONFIRMED: ("check", "watch"),
    OrderState.DONE: ("check-circle", "well"),
    OrderState.CANCELLED: ("cross", ""),
}
ORDER_MOVES: Labels = {
    OrderMove.CONFIRM: _("Confirm the order"),
    OrderMove.COMPLETE: _("Report as done"),
    OrderMove.CANCEL: _("Cancel the order"),
}

OFFER_ACTS: Labels = {
    "found": _("Found in the machine's readings"),
    OfferMove.EDIT: _("Changed"),
    OfferMove.VETO: _("Not sent"),
    OfferMove.SEND: _("Sent"),
    OfferMove.SEE: _("Read by the customer"),
    OfferMove.ACCEPT: _("Accepted"),
    OfferMove.DECLINE: _("Declined"),
    OfferMove.WITHDRAW: _("Withdrawn"),
    OfferMove.EXPIRE: _("Out of time"),
    "order_confirm": _("Order confirmed"),
    "order_complete": _("Order done"),
    "order_cancel": _("Order cancelled"),
}
OFFER_ACT_ICONS: Mapping[str, str] = {
    "found": "robot",
    OfferMove.EDIT: "edit",
    OfferMove.VETO: "cross",
    OfferMove.SEND: "send",
    OfferMove.SEE: "eye",
    OfferMove.ACCEPT: "check-circle",
    OfferMove.DECLINE: "thumb-down",
    OfferMove.WITHDRAW: "reset",
    OfferMove.EXPIRE: "clock",
    "order_confirm": "check",
    "order_complete": "check-circle",
    "order_cancel": "cross",
}

FIGURES: Labels = {
    "run_hours_per_day": _("Running"),
    "run_hours": _("Hour meter"),
    "days_until_due": _("Due in"),
    "level_now": _("Stands at"),
    "rise_per_day": _("Change a day"),
    "days_until_limit": _("Limit reached in"),
    "idle_hours_per_day": _("Idling"),
    "idle_energy_per_day": _("Energy while idling"),
    "leak_flow": _("Flow while nobody works"),
    "energy_per_volume": _("Energy per volume"),
    "leak_energy_per_day": _("Energy for it"),
    "energy_per_volume_now": _("Energy per volume now"),
    "energy_per_volume_before": _("Energy per volume before"),
    "rise": _("Rise"),
    "wasted_energy_per_day": _("Energy that would be saved"),
    "full_share": _("Working time at full load"),
    "full_hours_per_day": _("Full load at work"),
    "charging_hours_per_day": _("Charging at work"),
    "waiting_hours_per_day": _("Waiting at work"),
    "parts_per_hour": _("Parts made while working"),
    "events_per_100_h": _("How often"),
    "events_per_day": _("How often a day"),
    "long_idle_hours_per_day": _("Idling beyond the delay"),
    "long_idle_energy_per_day": _("Energy for it"),
    "surplus_pressure": _("Pressure above need"),
}
ASSUMPTIONS: Labels = {
    "interval_h": _("Service interval"),
    "horizon_days": _("Looked ahead"),
    "limit": _("Limit"),
    "repair_cost": _("Cost of the repair otherwise"),
    "energy_price": _("Price of energy"),
    "saved_share": _("Share that is saved"),
    "gained_share": _("Further output gained"),
    "margin_per_hour": _("Margin of an hour of output"),
    "recovered_share": _("Share that is won back"),
    "value_per_hour": _("Worth of an hour"),
    "margin_per_part": _("Margin of a part"),
    "usual_per_100_h": _("What is usual"),
    "cost_per_event": _("What one costs"),
    "avoidable_share": _("Share that can be avoided"),
}
METHODS: Labels = {
    "daily_mean": _(
        "The range holds the true mean with 95 % confidence: Student's interval over whole days, "
        "days that resemble their neighbours counting as fewer."
    ),
    "daily_trend": _(
        "The range holds the truth with 95 % confidence if the straight line goes on: least "
        "squares through the medians of days, days that resemble their neighbours counting as "
        "fewer."
    ),
}

KIND_NAMES: Labels = {
    "service_by_hours": _("Service by real hours"),
    "renewal_before_limit": _("Renewal before a limit is reached"),
    "idle_energy": _("Retrofit that saves idling energy"),
    "leak_repair": _("Leak repair"),
    "energy_per_output": _("Overhaul of what takes more energy"),
    "capacity_limit": _("Capacity for a machine at its ceiling"),
    "charging_downtime": _("Charging outside working hours"),
    "idle_between_parts": _("Loading by itself"),
    "operator_training": _("Training of operators"),
    "auto_off": _("Automatic switch-off"),
    "pressure_band": _("Lower pressure band"),
}
# Without the figures of one machine: how often a rule was silent for this.
SILENCE_NAMES: Labels = {
    "offer_too_few_days": _("Too few days were heard"),
    "offer_below_threshold": _("Below the rule's threshold"),
    "offer_not_due": _("Not due yet"),
    "offer_works_at_rest": _("Somebody seems to work at rest"),
    "offer_no_trend": _("No rise for certain"),
    "offer_limit_far": _("The limit is too far away"),
    "offer_no_rise": _("No rise for certain"),
    "offer_payback_long": _("The price would be back too late"),
}
