"""What has happened before somebody looks round: tickets in several states, faults in messages."""

import re
import time

from tests.e2e.installed_base import (
    CUSTOMER,
    MANAGER,
    PASSWORD,
    TECHNICIAN,
    device_of,
    hot_readings,
    reading,
)
from tests.e2e.portal import Portal
from tests.e2e.served import now_ms, publish

SHOWS_WITHIN_S = 30


def make_history(served):
    """Tickets of machines: new, in progress, closed; a person's report; messages in quarantine."""
    for pump in ("Transfer", "Rinse", "Dosing"):
        publish(served.mqtt_url, device_of(pump), hot_readings())
    publish(served.mqtt_url, device_of("Rinse"), {"ts": now_ms(), "values": {"colour": 3}})
    publish(served.mqtt_url, "lost-gateway", reading(0, 60.0))
    with Portal.of(served.url, MANAGER, PASSWORD) as manager:
        find_ticket(manager, "Transfer")
        rinse, dosing = find_ticket(manager, "Rinse"), find_ticket(manager, "Dosing")
        for ticket in (rinse, dosing):
            _assign(manager, ticket, "Tom Tech")
    with Portal.of(served.url, TECHNICIAN, PASSWORD) as technician:
        _start(technician, dosing)
        _start(technician, rinse)
        _close(technician, rinse)
    report(served, "Spray")


def find_ticket(portal, pump):
    """The address of a pump's open ticket, once the queue shows it."""
    deadline = time.monotonic() + SHOWS_WITHIN_S
    row = re.compile(rf'href="(/tickets/\d+)"(?:(?!<tr).)*{pump} pump', re.DOTALL)
    while (found := row.search(portal.get("/tickets").text)) is None:
        assert time.monotonic() < deadline, f"no ticket of {pump} pump came"
        time.sleep(0.2)
    return found[1]


def report(served, pump):
    """The customer reports a problem on a machine, in one click."""
    row = rf'{pump} pump(?:(?!</tr).)*action="(/machines/\d+/report)"'
    with Portal.of(served.url, CUSTOMER, PASSWORD) as customer:
        found = re.search(row, customer.get("/").text, re.DOTALL)
        assert found is not None
        assert customer.post(found[1], {}).status == 303


def _assign(manager, ticket, name):
    person = re.search(rf'<option value="(\d+)"[^>]*>\s*{name}', manager.get(ticket).text)
    assert person is not None
    assert manager.post(f"{ticket}/assign", {"person": person[1]}).status == 303


def _start(technician, ticket):
    technician.get(ticket)
    assert technician.post(f"{ticket}/move", {"move": "start"}).status == 303


def _close(technician, ticket):
    form = technician.get(f"{ticket}/close-out").text
    answers = dict.fromkeys(re.findall(r'name="(verdict_\d+)"', form), "right")
    answers |= {"failure_mode": "OHE", "failure_cause": "operation_maintenance"}
    answers["note"] = "Filled up the oil."
    assert technician.post(f"{ticket}/close-out", answers).status == 303
