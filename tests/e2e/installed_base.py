"""A maker, two dealers and their customers as an operator brings them in: CSV and TOML files."""

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.e2e.served import now_ms, run_command

PASSWORD = "correct horse battery"
MAKER = "maker@example.com"
MANAGER = "manager@example.com"
TECHNICIAN = "technician@example.com"
CUSTOMER = "customer@example.com"
OTHER_MANAGER = "other-manager@example.com"
OTHER_CUSTOMER = "other-customer@example.com"
NORMAL_C, LIMIT_C, HOT_C = 61.5, 85.0, 97.25
ON_DELAY_S = 4

MODEL = f"""
[equipment_model]
key = "tank_pump"
make = "Nordwerk"
model = "TP 80"
kind = "Tank pump"

[[metrics]]
name = "bearing_temperature"
label = "Bearing temperature"
unit = "Cel"
group = "temperature"
minimum = -40.0
maximum = 200.0
interval_s = 60

[[metrics]]
name = "outlet_pressure"
label = "Outlet pressure"
unit = "bar"
group = "pressure"
minimum = 0.0
maximum = 40.0
interval_s = 60

[[limits]]
metric = "bearing_temperature"
direction = "high"
threshold = {LIMIT_C}
hysteresis = 5.0
on_delay_s = {ON_DELAY_S}
severity = "serious"
label = "Bearing too hot"

[[likely_causes]]
condition = "limit:bearing_temperature:high"
failure_mode = "OHE"
cause = "operation_maintenance"
label = "Bearing runs dry"
action = "Check the oil level and the seal."
parts = ["Bearing kit"]
"""

PEOPLE = f"""organisation,kind,name,email,role,time_zone,password
Nordwerk,manufacturer,Mia Maker,{MAKER},manufacturer,Europe/Berlin,{PASSWORD}
Service North,dealer,Dana Dealer,{MANAGER},dealer_manager,Europe/Berlin,{PASSWORD}
Service North,dealer,Tom Tech,{TECHNICIAN},technician,Europe/Berlin,{PASSWORD}
Service South,dealer,Sara South,{OTHER_MANAGER},dealer_manager,Europe/Madrid,{PASSWORD}
Harbour Foods,customer,Hanna Harbour,{CUSTOMER},customer,Europe/Berlin,{PASSWORD}
Valley Mills,customer,Victor Valley,{OTHER_CUSTOMER},customer,Europe/Madrid,{PASSWORD}
"""

_HEADER = "equipment_model,serial,name,customer,dealer,site,time_zone,device,commissioned_on"
_HEADER += ",country,latitude,longitude"
NORTH_PUMPS = ("Intake", "Sump", "Booster", "Transfer", "Rinse", "Dosing", "Spray", "Standby")
SOUTH_PUMPS = ("Mill",)
QUAY_PUMPS = tuple(pump for pump in NORTH_PUMPS if pump != "Booster")
NORTH = ("Harbour Foods", "Service North", "Quay 4", "Europe/Berlin")
# A stone's throw from the quay: on a map of Europe both are one marker.
STORE = ("Harbour Foods", "Service North", "Cold store", "Europe/Berlin")
SOUTH = ("Valley Mills", "Service South", "Upper mill", "Europe/Madrid")
POSITIONS = {
    "Quay 4": ("DE", "53.54", "9.97"),
    "Cold store": ("DE", "53.60", "10.15"),
    "Upper mill": ("ES", "40.42", "-3.70"),
}


def device_of(pump: str) -> str:
    """The device key of a pump."""
    return f"{pump.lower()}-gateway"


def list_machines(pumps: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    """The CSV of machines: of each its name, and its customer, dealer, site and time zone."""
    # Their devices have spoken for them since long before the first reading of a test.
    since = (datetime.now(UTC) - timedelta(days=60)).date()
    rows = [
        ("tank_pump", f"TP80-{number:03}", f"{pump} pump", *where, device_of(pump), str(since))
        + POSITIONS[where[2]]
        for number, (pump, where) in enumerate(pumps, start=1)
    ]
    return "\n".join([_HEADER, *map(",".join, rows)]) + "\n"


MACHINES = list_machines(
    [(pump, NORTH) for pump in QUAY_PUMPS]
    + [("Booster", STORE)]
    + [(pump, SOUTH) for pump in SOUTH_PUMPS]
)


def install(folder: Path, files: Path, *, model: str = MODEL, machines: str = MACHINES) -> None:
    """Imports everything into a data folder with the commands that an operator uses."""
    files.mkdir(exist_ok=True)
    for name, text in (("people.csv", PEOPLE), ("model.toml", model), ("machines.csv", machines)):
        (files / name).write_text(text, encoding="utf-8")
    run_command(folder, "import", "people", str(files / "people.csv"))
    run_command(folder, "import", "model", str(files / "model.toml"), "--manufacturer", "Nordwerk")
    run_command(folder, "import", "assets", str(files / "machines.csv"))


def copy(installed: Path, where: Path) -> Path:
    """A data folder of one's own from one that `install` filled."""
    shutil.copytree(installed, where / "data")
    return where / "data"


def reading(ago_s: float, bearing_c: float) -> dict[str, object]:
    """One reading as a device sends it, measured `ago_s` seconds before now."""
    values = {"bearing_temperature": bearing_c, "outlet_pressure": 6.2}
    return {"ts": now_ms() - int(ago_s * 1_000), "values": values}


def normal_readings() -> list[dict[str, object]]:
    """Ten minutes of good health that end half a minute ago."""
    return [reading(ago_s, NORMAL_C) for ago_s in range(600, 29, -30)]


def hot_readings() -> list[dict[str, object]]:
    """Readings beyond the limit for longer than its delay, the last one of just now."""
    return [reading(ago_s, HOT_C) for ago_s in (2 * ON_DELAY_S, ON_DELAY_S, 0)]
