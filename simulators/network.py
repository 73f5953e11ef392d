"""The way from a device to the broker: delay, loss, repeats, disorder, and hours without any.

Everything is drawn from the seed, the device and the time of a message, so it makes no difference
in which portions messages are handed over. A device keeps what it cannot send and sends it all
when the connection is back.
"""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from simulators.messages import Message
from simulators.noise import draw_normal, draw_uniform

_HOUR_MS = 3_600_000
# What waited goes out one after the other.
_BURST_STEP_MS = 50
_REPEAT_AFTER_MS = 5_000


@dataclass(frozen=True, slots=True)
class NetworkProfile:
    """How bad it is; shares are of messages, times are of the world that the devices live in.

    - delay_s, delay_spread: median of the delay, and the standard deviation of its logarithm.
    - loss: never sent again; over MQTT only a device without memory loses anything.
    - repeats: sent twice.
    - held_back, held_back_s: overtaken by those that come within this time.
    - outage_every_h, outage_s: one outage in each such time, of 0.2 to 1.8 times this length.
    """

    delay_s: float = 0.0
    delay_spread: float = 0.0
    loss: float = 0.0
    repeats: float = 0.0
    held_back: float = 0.0
    held_back_s: float = 0.0
    outage_every_h: float = 0.0
    outage_s: float = 0.0


PROFILES: Mapping[str, NetworkProfile] = MappingProxyType(
    {
        "none": NetworkProfile(),
        "good": NetworkProfile(delay_s=0.1, delay_spread=0.5, repeats=0.001),
        "mobile": NetworkProfile(
            delay_s=1.0,
            delay_spread=0.8,
            repeats=0.01,
            held_back=0.01,
            held_back_s=60.0,
            outage_every_h=24.0,
            outage_s=1200.0,
        ),
        "bad": NetworkProfile(
            delay_s=8.0,
            delay_spread=1.0,
            loss=0.02,
            repeats=0.05,
            held_back=0.1,
            held_back_s=900.0,
            outage_every_h=6.0,
            outage_s=2700.0,
        ),
    }
)


def travel(messages: Iterable[Message], profile: NetworkProfile, seed: int) -> list[Message]:
    """The messages as they reach the broker, by the time they do, which becomes `due_ms`."""
    arrived = [each for message in messages for each in _travel_one(message, profile, seed)]
    return sorted(arrived, key=_order)


@dataclass(slots=True)
class Way:
    """The same for messages that come portion by portion, in the order they are due."""

    profile: NetworkProfile
    seed: int
    _under_way: list[tuple[tuple[int, str, int], int, Message]] = field(default_factory=list)
    _count: int = 0

    def carry(self, messages: Iterable[Message], until_ms: int) -> list[Message]:
        """Takes these, and gives what arrives before `until_ms`."""
        for each in travel(messages, self.profile, self.seed):
            self._count += 1
            heapq.heappush(self._under_way, (_order(each), self._count, each))
        arrived = []
        while self._under_way and self._under_way[0][2].due_ms < until_ms:
            arrived.append(heapq.heappop(self._under_way)[2])
        return arrived


def _order(message: Message) -> tuple[int, str, int]:
    return message.due_ms, message.device, message.readings[-1].observed_at_ms


def _travel_one(message: Message, profile: NetworkProfile, seed: int) -> list[Message]:
    sent_ms = message.due_ms

    def draw(what: str) -> float:
        index = np.asarray([sent_ms], dtype=np.int64)
        return float(draw_uniform(seed, f"{message.device}/{what}", index)[0])

    if draw("loss") < profile.loss:
        return []
    begin_ms = _find_connection(message.device, sent_ms, profile, seed)
    arrives_ms = begin_ms + _measure_delay(message.device, sent_ms, profile, seed)
    if draw("held back") < profile.held_back:
        arrives_ms += int(draw("how long") * profile.held_back_s * 1000)
    arrived = [replace(message, due_ms=arrives_ms)]
    if draw("repeat") < profile.repeats:
        arrived.append(replace(message, due_ms=arrives_ms + _REPEAT_AFTER_MS))
    return arrived


def _measure_delay(device: str, sent_ms: int, profile: NetworkProfile, seed: int) -> int:
    index = np.asarray([sent_ms], dtype=np.int64)
    spread = profile.delay_spread * float(draw_normal(seed, f"{device}/delay", index)[0])
    return int(1000 * profile.delay_s * np.exp(spread))


def _find_connection(device: str, sent_ms: int, profile: NetworkProfile, seed: int) -> int:
    """When it can be sent: now, or in its turn after the outage in which it was made."""
    if profile.outage_every_h <= 0.0:
        return sent_ms
    every_ms = int(profile.outage_every_h * _HOUR_MS)
    slot = np.asarray([sent_ms // every_ms], dtype=np.int64)
    share = float(draw_uniform(seed, f"{device}/outage length", slot)[0])
    length_ms = min(int(profile.outage_s * 1000 * (0.2 + 1.6 * share)), every_ms)
    place = float(draw_uniform(seed, f"{device}/outage", slot)[0])
    outage_ms = int(slot[0]) * every_ms + int(place * (every_ms - length_ms))
    if not outage_ms <= sent_ms < outage_ms + length_ms:
        return sent_ms
    # Later messages of the outage come later in the burst.
    turn = (sent_ms - outage_ms) * _BURST_STEP_MS // 60_000
    return outage_ms + length_ms + turn
