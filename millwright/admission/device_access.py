"""Keeps the broker's files in step with the database: who may come in now, and as whom.

A password that was issued, replaced or revoked is known to the broker within `LOOK_EVERY_S`.
"""

from collections.abc import Callable, Iterable

import structlog

from devices.security.credentials import BrokerUser, list_broker_users, read_access_state
from foundation.clock import Clock, stopwatch_s
from foundation.database import Database
from foundation.identity.scope import Scope
from millwright.broker_access import Admitted, Rights, rights_of_device

LOOK_EVERY_S = 2.0
_SCOPE = Scope.system("broker")
_log = structlog.get_logger(__name__)


def read_admitted(database: Database, clock: Clock) -> tuple[Admitted, ...]:
    """The devices that may come in now."""
    with database.session(_SCOPE) as session:
        return tuple(map(to_admitted, list_broker_users(session, clock.now())))


def to_admitted(user: BrokerUser) -> Admitted:
    """A device as the broker knows it."""
    return Admitted(user.user, user.password_hash, rights_of_device(user.device_keys))


class DeviceAccess:
    """Looks every now and then, and hands the devices to the broker when something changed."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        admit: Callable[[Iterable[Admitted]], bool],
        *,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._database = database
        self._clock = clock
        self._admit = admit
        self._known: tuple[int, int] | None = None
        self._rights: dict[str, Rights] = {}
        self._look_every_s = look_every_s
        self._looked_s = -look_every_s

    def rights_of(self, user: str) -> Rights | None:
        """What a device may; None when it is none that may come in."""
        return self._rights.get(user)

    def step(self) -> bool:
        """Looks when it is time to; whether the broker was told something new."""
        if stopwatch_s() - self._looked_s < self._look_every_s:
            return False
        self._looked_s = stopwatch_s()
        with self._database.session(_SCOPE) as session:
            state = read_access_state(session, self._clock.now())
        if state == self._known:
            return False
        admitted = read_admitted(self._database, self._clock)
        is_changed = self._admit(admitted)
        self._rights = {each.user: each.rights for each in admitted}
        self._known = state
        if is_changed:
            _log.info("the broker's users changed", devices=len(admitted))
        return is_changed
