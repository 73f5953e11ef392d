"""The places where simulated machines stand: weather, work, and what kinds of machine are there.

Who owns a site and who serves it is the demo network's to say.
"""

from dataclasses import dataclass
from enum import StrEnum

from simulators.environment import Climate, Duty

EVERY_DAY = tuple(range(7))
_SIX_DAYS = tuple(range(6))
_COMPRESSOR, _PUMP = "screw_compressor", "centrifugal_pump"
_MACHINING, _FORKLIFT = "machining_centre", "forklift"


class Region(StrEnum):
    """What one dealer serves."""

    EUROPE = "europe"
    EAST_ASIA = "east_asia"
    USA = "usa"


@dataclass(frozen=True, slots=True)
class SimulatedSite:
    """A place with its own weather and work; `key` is unique, `kinds` come again and again."""

    key: str
    name: str
    region: Region
    time_zone: str
    latitude: float
    longitude: float
    climate: Climate
    duty: Duty
    kinds: tuple[str, ...]

    @property
    def never_rests(self) -> bool:
        return self.duty.days == EVERY_DAY


# The climate is that of the hall, so it is milder than the town's.
SITES = (
    SimulatedSite(
        key="hamburg",
        name="Hamburg plant",
        region=Region.EUROPE,
        time_zone="Europe/Berlin",
        latitude=53.53,
        longitude=9.97,
        climate=Climate(19, 7, 3),
        duty=Duty(6, 22, demand=0.68),
        kinds=(_COMPRESSOR, _PUMP, _FORKLIFT, _COMPRESSOR, _PUMP),
    ),
    SimulatedSite(
        key="suwon",
        name="Suwon works",
        region=Region.EAST_ASIA,
        time_zone="Asia/Seoul",
        latitude=37.26,
        longitude=127.03,
        climate=Climate(21, 11, 4),
        duty=Duty(7, 19, demand=0.58),
        kinds=(_MACHINING, _COMPRESSOR, _MACHINING, _COMPRESSOR, _FORKLIFT),
    ),
    SimulatedSite(
        key="toledo",
        name="Toledo bottling",
        region=Region.USA,
        time_zone="America/New_York",
        latitude=41.65,
        longitude=-83.54,
        climate=Climate(20, 9, 4),
        duty=Duty(5, 21, demand=0.63),
        kinds=(_FORKLIFT, _COMPRESSOR, _PUMP, _COMPRESSOR, _PUMP),
    ),
    SimulatedSite(
        key="lyon",
        name="Lyon foundry",
        region=Region.EUROPE,
        time_zone="Europe/Paris",
        latitude=45.72,
        longitude=4.87,
        climate=Climate(22, 8, 4),
        duty=Duty(0, 24, EVERY_DAY, demand=0.76),
        kinds=(_COMPRESSOR, _PUMP, _MACHINING, _COMPRESSOR),
    ),
    SimulatedSite(
        key="suzhou",
        name="Suzhou mill",
        region=Region.EAST_ASIA,
        time_zone="Asia/Shanghai",
        latitude=31.30,
        longitude=120.62,
        climate=Climate(23, 10, 3),
        duty=Duty(0, 24, _SIX_DAYS, demand=0.72),
        kinds=(_PUMP, _COMPRESSOR, _FORKLIFT, _COMPRESSOR),
    ),
    SimulatedSite(
        key="houston",
        name="Houston water works",
        region=Region.USA,
        time_zone="America/Chicago",
        latitude=29.76,
        longitude=-95.37,
        climate=Climate(24, 8, 4),
        duty=Duty(0, 24, EVERY_DAY, demand=0.70),
        kinds=(_PUMP, _COMPRESSOR, _PUMP, _PUMP),
    ),
    SimulatedSite(
        key="stuttgart",
        name="Stuttgart gear works",
        region=Region.EUROPE,
        time_zone="Europe/Berlin",
        latitude=48.79,
        longitude=9.23,
        climate=Climate(21, 6, 3),
        duty=Duty(6, 22, _SIX_DAYS, demand=0.74),
        kinds=(_MACHINING, _COMPRESSOR, _MACHINING, _FORKLIFT, _MACHINING),
    ),
    SimulatedSite(
        key="busan",
        name="Busan shipyard",
        region=Region.EAST_ASIA,
        time_zone="Asia/Seoul",
        latitude=35.08,
        longitude=129.06,
        climate=Climate(20, 9, 3),
        duty=Duty(7, 22, _SIX_DAYS, demand=0.66),
        kinds=(_COMPRESSOR, _FORKLIFT, _PUMP, _COMPRESSOR),
    ),
    SimulatedSite(
        key="reno",
        name="Reno distribution centre",
        region=Region.USA,
        time_zone="America/Los_Angeles",
        latitude=39.53,
        longitude=-119.81,
        climate=Climate(20, 9, 6),
        duty=Duty(5, 23, _SIX_DAYS, demand=0.70),
        kinds=(_FORKLIFT, _FORKLIFT, _COMPRESSOR, _FORKLIFT),
    ),
    SimulatedSite(
        key="linz",
        name="Linz cold store",
        region=Region.EUROPE,
        time_zone="Europe/Vienna",
        latitude=48.31,
        longitude=14.30,
        climate=Climate(14, 5, 2),
        duty=Duty(4, 20, _SIX_DAYS, demand=0.62),
        kinds=(_FORKLIFT, _PUMP, _FORKLIFT, _COMPRESSOR),
    ),
    SimulatedSite(
        key="osaka",
        name="Osaka pharmaceutical plant",
        region=Region.EAST_ASIA,
        time_zone="Asia/Tokyo",
        latitude=34.69,
        longitude=135.50,
        climate=Climate(21, 4, 2),
        duty=Duty(0, 24, EVERY_DAY, demand=0.60),
        kinds=(_PUMP, _COMPRESSOR, _PUMP, _FORKLIFT),
    ),
    SimulatedSite(
        key="greenville",
        name="Greenville machining",
        region=Region.USA,
        time_zone="America/New_York",
        latitude=34.85,
        longitude=-82.39,
        climate=Climate(22, 7, 4),
        duty=Duty(6, 23, demand=0.72),
        kinds=(_MACHINING, _COMPRESSOR, _MACHINING, _MACHINING),
    ),
    SimulatedSite(
        key="eindhoven",
        name="Eindhoven precision shop",
        region=Region.EUROPE,
        time_zone="Europe/Amsterdam",
        latitude=51.44,
        longitude=5.47,
        climate=Climate(21, 4, 2),
        duty=Duty(7, 20, demand=0.66),
        kinds=(_MACHINING, _COMPRESSOR, _MACHINING, _FORKLIFT),
    ),
    SimulatedSite(
        key="nagoya",
        name="Nagoya motor plant",
        region=Region.EAST_ASIA,
        time_zone="Asia/Tokyo",
        latitude=35.18,
        longitude=136.91,
        climate=Climate(22, 9, 3),
        duty=Duty(6, 24, _SIX_DAYS, demand=0.75),
        kinds=(_COMPRESSOR, _MACHINING, _PUMP, _MACHINING),
    ),
)
