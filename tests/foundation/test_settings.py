"""Settings: every fault at once, no secret shown or defaulted, secret files kept from others."""

from dataclasses import fields

import pytest

from foundation.errors import Invalid
from foundation.settings import VARIABLES, Settings, read_settings

SECRET = "kV3-Qz7_mL0pXw9rT2uYb5cHs8dJf4gN"
GIVEN = {"MILLWRIGHT_SECRET_KEY": SECRET}
SECRETS = [variable for variable in VARIABLES if variable.is_secret]


def faults_of(environment, **overrides) -> str:
    with pytest.raises(Invalid) as refused:
        read_settings(overrides, environment)
    return str(refused.value)


def secret_file(tmp_path, content: bytes, mode: int = 0o600) -> dict[str, str]:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return {"MILLWRIGHT_SECRET_KEY_FILE": str(path)}


def test_a_secret_is_all_that_must_be_given():
    settings = read_settings(environment=GIVEN)
    assert settings.secret_key == SECRET
    assert settings.host == "127.0.0.1"


def test_the_environment_is_read_when_none_is_handed_in(monkeypatch):
    monkeypatch.setenv("MILLWRIGHT_SECRET_KEY", SECRET)
    monkeypatch.setenv("MILLWRIGHT_PORT", "8123")
    assert read_settings().port == 8123


def test_every_field_is_told_by_exactly_one_variable():
    told = [variable.field for variable in VARIABLES]
    assert sorted(told) == sorted(field.name for field in fields(Settings))


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda each: each.name)
def test_every_variable_is_ours_and_explained(variable):
    assert variable.name.startswith("MILLWRIGHT_")
    assert variable.help.endswith(".")


@pytest.mark.parametrize("variable", SECRETS, ids=lambda each: each.name)
def test_no_secret_has_a_default(variable):
    assert not variable.default


def test_without_a_secret_nothing_starts():
    assert "MILLWRIGHT_SECRET_KEY is missing" in faults_of({})


@pytest.mark.parametrize("short", ["", "secret", "x" * 31])
def test_a_short_secret_is_refused_without_showing_it(short):
    shown = faults_of({"MILLWRIGHT_SECRET_KEY": short})
    assert "MILLWRIGHT_SECRET_KEY" in shown
    assert "32 characters" in shown
    assert repr(short) not in shown


def test_all_faults_are_told_at_once():
    shown = faults_of(
        {
            "MILLWRIGHT_PORT": "70000",
            "MILLWRIGHT_MQTT_PORT": "many",
            "MILLWRIGHT_MEMORY_LIMIT_MB": "0",
            "MILLWRIGHT_LOG_FORMAT": "xml",
        }
    )
    for name in ("SECRET_KEY", "PORT", "MQTT_PORT", "MEMORY_LIMIT_MB", "LOG_FORMAT"):
        assert f"MILLWRIGHT_{name}" in shown
    assert len(shown.splitlines()) == 6  # one headline, one line a fault


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("PORT", ""),
        ("PORT", "8000.0"),
        ("MQTT_PORT", "0x50"),
        ("MEMORY_LIMIT_MB", "-5"),
        ("STREAM_LIMIT", "0"),
        ("LOG_FORMAT", "JSON"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(name, text):
    shown = faults_of(GIVEN | {f"MILLWRIGHT_{name}": text})
    assert f"MILLWRIGHT_{name}: {text!r}" in shown


def test_no_secret_is_shown_when_settings_are_printed():
    settings = read_settings(
        environment={
            "MILLWRIGHT_SECRET_KEY": SECRET,
            "MILLWRIGHT_MQTT_URL": "mqtt://ingest:brokerword@127.0.0.1:1883",
            "MILLWRIGHT_DATABASE_URL": "postgresql+psycopg://millwright:dataword@127.0.0.1/mw",
        }
    )
    shown = repr(settings)
    for secret in (SECRET, "brokerword", "dataword"):
        assert secret not in shown


def test_a_secret_may_stand_in_a_file(tmp_path):
    settings = read_settings(environment=secret_file(tmp_path, SECRET.encode() + b"\n"))
    assert settings.secret_key == SECRET


def test_a_secret_file_wins_over_the_variable(tmp_path):
    both = {"MILLWRIGHT_SECRET_KEY": "x" * 40} | secret_file(tmp_path, SECRET.encode())
    assert read_settings(environment=both).secret_key == SECRET


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o777])
def test_a_secret_file_that_everybody_can_read_is_refused(tmp_path, mode):
    shown = faults_of(secret_file(tmp_path, SECRET.encode(), mode))
    assert "MILLWRIGHT_SECRET_KEY_FILE" in shown
    assert SECRET not in shown


def test_a_missing_secret_file_is_one_of_the_faults(tmp_path):
    shown = faults_of({"MILLWRIGHT_SECRET_KEY_FILE": str(tmp_path / "none")})
    assert "MILLWRIGHT_SECRET_KEY_FILE" in shown
    assert "none" in shown


def test_a_secret_file_that_is_no_text_is_one_of_the_faults(tmp_path):
    environment = secret_file(tmp_path, b"\xff\xfe" * 20) | {"MILLWRIGHT_PORT": "many"}
    shown = faults_of(environment)
    assert "MILLWRIGHT_SECRET_KEY_FILE" in shown
    assert "MILLWRIGHT_PORT" in shown


def test_a_secret_file_that_holds_too_little_is_refused(tmp_path):
    assert "32 characters" in faults_of(secret_file(tmp_path, b"short\n"))


def test_what_the_command_line_gave_goes_over_the_environment():
    settings = read_settings({"port": 0, "host": None}, GIVEN | {"MILLWRIGHT_PORT": "9000"})
    assert settings.port == 0
    assert settings.host == "127.0.0.1"


def test_the_database_lies_in_the_data_folder_unless_told(tmp_path):
    settings = read_settings(environment=GIVEN | {"MILLWRIGHT_DATA_DIR": str(tmp_path)})
    assert settings.database_url == f"sqlite:///{tmp_path}/millwright.db"
    assert settings.public_data is None


def test_paths_are_made_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    settings = read_settings(environment=GIVEN | {"MILLWRIGHT_PUBLIC_DATA": "measured"})
    assert settings.public_data == tmp_path / "measured"


def test_settings_do_not_change():
    settings = read_settings(environment=GIVEN)
    with pytest.raises(AttributeError):
        settings.port = 1


@pytest.mark.parametrize(
    "key", ["s" * 40, "change-me-" * 5, "ab" * 20, "your-secret-key-goes-here-0123456789"]
)
def test_a_secret_key_that_is_no_random_text_is_refused(key):
    assert "no random text" in faults_of({"MILLWRIGHT_SECRET_KEY": key})


def test_earlier_keys_are_kept_to_the_same_rule_and_shown_nowhere():
    given = GIVEN | {"MILLWRIGHT_SECRET_KEY_FALLBACKS": f"{SECRET}1, {SECRET}2"}
    settings = read_settings(environment=given)
    assert settings.secret_key_fallbacks == (f"{SECRET}1", f"{SECRET}2")
    assert SECRET not in repr(settings)
    assert "FALLBACKS" in faults_of(GIVEN | {"MILLWRIGHT_SECRET_KEY_FALLBACKS": "short"})


def test_certificate_and_key_go_together():
    assert "go together" in faults_of(GIVEN | {"MILLWRIGHT_TLS_CERT": "/tmp/cert.pem"})


def test_trusted_hosts_and_proxies_are_read():
    given = GIVEN | {"MILLWRIGHT_TRUSTED_HOSTS": "Portal.example, b", "MILLWRIGHT_PROXIES": "1"}
    settings = read_settings(environment=given)
    assert (settings.trusted_hosts, settings.proxies) == (("portal.example", "b"), 1)
    assert "PROXIES" in faults_of(GIVEN | {"MILLWRIGHT_PROXIES": "99"})
