"""All settings: one table of variable, parser, default and help; read nowhere else.

`read_settings` reports every fault at once. There is no default for a secret: the demo makes its
own in the data directory.
"""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from foundation.errors import Invalid


@dataclass(frozen=True, slots=True)
class Settings:
    """What a process was told from outside."""

    data_dir: Path
    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    host: str
    port: int
    mqtt_url: str = field(repr=False)
    mqtt_port: int
    mqtt_host: str
    mqtt_tls_port: int
    mqtt_cert: Path | None
    mqtt_key: Path | None
    broker_dir: Path | None
    broker_pid: Path | None
    broker_log: Path | None
    ingest_id: str
    memory_limit_mb: int
    stream_limit: int
    public_data: Path | None
    base_map: Path | None
    secret_key_fallbacks: tuple[str, ...] = field(repr=False)
    trusted_hosts: tuple[str, ...]
    proxies: int
    is_https: bool
    tls_cert: Path | None
    tls_key: Path | None
    private_hosts: tuple[str, ...]
    log_format: str
    metrics_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Variable:
    """One row of the table: environment variable, field, parser, default as text, help."""

    name: str
    field: str
    parse: Callable[[str], Any]
    default: str | None
    help: str
    is_secret: bool = False


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError("a port lies between 0 (any free one) and 65535")
    return port


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("at least 1")
    return number


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _optional_path(text: str) -> Path | None:
    return _path(text) if text else None


def _log_format(text: str) -> str:
    if text not in ("json", "console"):
        raise ValueError("json or console")
    return text


def _secret(text: str) -> str:
    if len(text) < 32:
        raise ValueError("at least 32 characters")
    if len(set(text)) < 12 or any(word in text.lower() for word in _PLACEHOLDERS):
        raise ValueError("this is no random text; take one from: millwright secret")
    return text


def _optional_secret(text: str) -> str:
    return _secret(text) if text else text


def _secrets(text: str) -> tuple[str, ...]:
    return tuple(_secret(each) for each in text.replace(",", " ").split())


def _names(text: str) -> tuple[str, ...]:
    return tuple(each.lower() for each in text.replace(",", " ").split())


def _count(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 5:
        raise ValueError("between 0 and 5")
    return number


def _yes_or_no(text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise ValueError("yes or no")
    return text.lower() == "yes"


_PLACEHOLDERS = ("change-me", "changeme", "change_me", "your-secret", "replace-me", "example")

VARIABLES = (
    Variable("MILLWRIGHT_DATA_DIR", "data_dir", _path, "~/.millwright", "Folder for all data."),
    Variable(
        "MILLWRIGHT_DATABASE_URL",
        "database_url",
        str,
        "",
        "SQLAlchemy address; empty: SQLite in the data folder.",
    ),
    Variable(
        "MILLWRIGHT_SECRET_KEY",
        "secret_key",
        _secret,
        None,
        "Signs cookies; at least 32 characters, or a file named by MILLWRIGHT_SECRET_KEY_FILE.",
        is_secret=True,
    ),
    Variable("MILLWRIGHT_HOST", "host", str, "127.0.0.1", "Address the portal listens on."),
    Variable("MILLWRIGHT_PORT", "port", _port, "8000", "Port of the portal; 0: any free one."),
    Variable(
        "MILLWRIGHT_MQTT_URL",
        "mqtt_url",
        str,
        "",
        "Broker to use, mqtt://user:password@host:port; empty: start one.",
        is_secret=True,
    ),
    Variable(
        "MILLWRIGHT_MQTT_PORT", "mqtt_port", _port, "0", "Port of our own broker; 0: any free one."
    ),
    Variable(
        "MILLWRIGHT_MQTT_HOST",
        "mqtt_host",
        str,
        "",
        "Address where our own broker listens for devices; empty: this machine only.",
    ),
    Variable(
        "MILLWRIGHT_MQTT_TLS_PORT",
        "mqtt_tls_port",
        _port,
        "8883",
        "Port for devices at that address.",
    ),
    Variable(
        "MILLWRIGHT_MQTT_CERT",
        "mqtt_cert",
        _optional_path,
        "",
        "Certificate of our own broker with its chain, for devices that connect from outside.",
    ),
    Variable("MILLWRIGHT_MQTT_KEY", "mqtt_key", _optional_path, "", "The certificate's key."),
    Variable(
        "MILLWRIGHT_BROKER_DIR",
        "broker_dir",
        _optional_path,
        "",
        "Folder where a mosquitto of yours reads passwords and access; we write both.",
    ),
    Variable(
        "MILLWRIGHT_BROKER_PID",
        "broker_pid",
        _optional_path,
        "",
        "File with that mosquitto's process id, which we tell to read them again.",
    ),
    Variable(
        "MILLWRIGHT_BROKER_LOG",
        "broker_log",
        _optional_path,
        "",
        "That mosquitto's log, from which refused publishes are read.",
    ),
    Variable(
        "MILLWRIGHT_INGEST_ID",
        "ingest_id",
        str,
        "millwright-ingest-0",
        "MQTT client id of this ingest process; stable across restarts.",
    ),
    Variable(
        "MILLWRIGHT_MEMORY_LIMIT_MB",
        "memory_limit_mb",
        _positive,
        "512",
        "Memory that the embedded time-series store may take.",
    ),
    Variable(
        "MILLWRIGHT_STREAM_LIMIT",
        "stream_limit",
        _positive,
        "64",
        "Live pages served at once; further pages ask every 15 seconds.",
    ),
    Variable(
        "MILLWRIGHT_PUBLIC_DATA",
        "public_data",
        _optional_path,
        "",
        "Folder with the public measurements that some tests and benchmarks use.",
    ),
    Variable(
        "MILLWRIGHT_BASE_MAP",
        "base_map",
        _optional_path,
        "",
        "GeoJSON file drawn under the fleet's map; empty: the one that comes along.",
    ),
    Variable(
        "MILLWRIGHT_SECRET_KEY_FALLBACKS",
        "secret_key_fallbacks",
        _secrets,
        "",
        "Earlier secret keys, with commas between, which still open what they signed and sealed.",
        is_secret=True,
    ),
    Variable(
        "MILLWRIGHT_TRUSTED_HOSTS",
        "trusted_hosts",
        _names,
        "",
        "Names the portal answers to; empty: this machine's own while it listens there, else any.",
    ),
    Variable(
        "MILLWRIGHT_PROXIES",
        "proxies",
        _count,
        "0",
        "Proxies in front of the portal whose X-Forwarded headers are believed.",
    ),
    Variable(
        "MILLWRIGHT_HTTPS",
        "is_https",
        _yes_or_no,
        "no",
        "yes: a proxy in front speaks https, so browsers are held to it.",
    ),
    Variable(
        "MILLWRIGHT_TLS_CERT",
        "tls_cert",
        _optional_path,
        "",
        "Certificate chain in PEM; the portal then speaks https itself.",
    ),
    Variable("MILLWRIGHT_TLS_KEY", "tls_key", _optional_path, "", "Its private key in PEM."),
    Variable(
        "MILLWRIGHT_PRIVATE_HOSTS",
        "private_hosts",
        _names,
        "",
        "Hosts that may be called although they are not public, such as your identity provider.",
    ),
    Variable("MILLWRIGHT_LOG_FORMAT", "log_format", _log_format, "console", "json or console."),
    Variable(
        "MILLWRIGHT_METRICS_TOKEN",
        "metrics_token",
        _optional_secret,
        "",
        "Bearer token that reads /metrics; empty: only this machine may.",
        is_secret=True,
    ),
)


def read_settings(
    overrides: Mapping[str, object] | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Settings from the environment, with fields that a command line gave put over them.

    Raises:
        Invalid: listing every fault, one a line, with the variable's name.
    """
    values, faults = collect_settings(overrides, environment)
    if faults:
        listed = "\n".join(f"  {each}" for each in faults)
        raise Invalid("Settings cannot be used:\n%(faults)s", faults=listed)
    return Settings(**{each.name: values[each.name] for each in fields(Settings)})


def collect_settings(
    overrides: Mapping[str, object] | None = None, environment: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The value of every field, None where it cannot be used, and what is wrong with those."""
    given = dict(os.environ if environment is None else environment)
    faults: list[str] = []
    _read_secret_files(given, faults)
    values: dict[str, Any] = {
        variable.field: _read(variable, given, overrides or {}, faults) for variable in VARIABLES
    }
    if bool(values["tls_cert"]) != bool(values["tls_key"]):
        faults.append("MILLWRIGHT_TLS_CERT and MILLWRIGHT_TLS_KEY go together.")
    if values["database_url"] == "" and values["data_dir"] is not None:
        values["database_url"] = f"sqlite:///{values['data_dir'] / 'millwright.db'}"
    return values, faults


def list_secrets(settings: Settings) -> list[str]:
    """The values that must be written nowhere, passwords within addresses among them."""
    urls = [settings.database_url]
    for variable in VARIABLES:
        if variable.is_secret:
            value = getattr(settings, variable.field)
            urls += value if isinstance(value, tuple) else [value]
    passwords = [urlsplit(each).password or "" for each in urls if "://" in each]
    return [*(each for each in urls if "://" not in each), *passwords]


def find_debugging(environment: Mapping[str, str] | None = None) -> list[str]:
    """Variables that switch on a library's debugging, which shows the inside of the portal."""
    given = os.environ if environment is None else environment
    off = ("", "0", "false", "no")
    return [name for name in _DEBUGGING if given.get(name, "").strip().lower() not in off]


_DEBUGGING = ("FLASK_DEBUG", "PYTHONDEVMODE", "WERKZEUG_DEBUG_PIN")


def _read(
    variable: Variable,
    given: Mapping[str, str],
    overrides: Mapping[str, object],
    faults: list[str],
) -> object:
    if overrides.get(variable.field) is not None:
        return overrides[variable.field]
    text = given.get(variable.name, variable.default)
    if text is None:
        faults.append(f"{variable.name} is missing. {variable.help}")
        return None
    try:
        return variable.parse(text)
    except ValueError as error:
        shown = "its value" if variable.is_secret else repr(text)
        faults.append(f"{variable.name}: {shown} cannot be used: {error}")
        return None


def _read_secret_files(given: dict[str, str], faults: list[str]) -> None:
    for variable in VARIABLES:
        name = f"{variable.name}_FILE"
        if not variable.is_secret or name not in given:
            continue
        path = Path(given[name])
        try:
            if stat.S_IMODE(path.stat().st_mode) & stat.S_IROTH:
                faults.append(f"{name}: {path} can be read by everybody; take that right away.")
            given[variable.name] = path.read_text(encoding="utf-8").strip()
        except UnicodeDecodeError:
            faults.append(f"{name}: {path} is no UTF-8 text.")
        except OSError as error:
            faults.append(f"{name}: {error}")
