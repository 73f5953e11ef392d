"""Beyond this machine only with TLS and passwords, or when somebody says so in words."""

import pytest

from foundation.errors import Invalid
from foundation.settings import read_settings
from millwright.admission.listening import check_broker, check_portal, is_loopback
from tests.millwright.test_cli import refuse

HERE = ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"]
BEYOND = ["0.0.0.0", "::", "192.0.2.7", "", "portal.example.com", "localhost.example.com"]


def settings(**given):
    return read_settings({"secret_key": "s" * 40, **given}, {})


@pytest.mark.parametrize("host", HERE)
def test_this_machine_alone_needs_nothing(host):
    assert is_loopback(host)
    check_portal(host, is_insecure=False)
    check_broker(settings(mqtt_host=host), is_insecure=False, anonymous_devices=True)


@pytest.mark.parametrize("host", BEYOND)
def test_a_portal_in_clear_is_refused_unless_it_is_said(host):
    with pytest.raises(Invalid, match="--insecure-listen"):
        check_portal(host, is_insecure=False)
    check_portal(host, is_insecure=True)
    check_portal(host, is_insecure=False, has_tls=True)


def test_a_broker_in_clear_is_refused(tmp_path):
    with pytest.raises(Invalid, match="without TLS"):
        check_broker(settings(mqtt_host="0.0.0.0"), is_insecure=False, anonymous_devices=False)
    check_broker(settings(mqtt_host="0.0.0.0"), is_insecure=True, anonymous_devices=True)


def test_a_broker_without_passwords_is_refused_even_with_tls(tmp_path):
    safe = settings(mqtt_host="0.0.0.0", mqtt_cert=tmp_path / "c", mqtt_key=tmp_path / "k")
    check_broker(safe, is_insecure=False, anonymous_devices=False)
    with pytest.raises(Invalid, match="without a password"):
        check_broker(safe, is_insecure=False, anonymous_devices=True)


def test_a_certificate_without_its_key_is_refused(tmp_path):
    with pytest.raises(Invalid, match="give both"):
        check_broker(settings(mqtt_cert=tmp_path / "c"), is_insecure=True, anonymous_devices=False)


SECRET = "a key of the tests, long enough for all"


@pytest.mark.parametrize(
    "options",
    [
        ["serve", "--host", "0.0.0.0"],
        ["serve", "--mqtt-host", "0.0.0.0"],
        ["demo", "--host", "0.0.0.0"],
    ],
)
def test_the_commands_refuse_before_they_start_anything(options, tmp_path):
    line = refuse(*options, "--data", tmp_path / "data", MILLWRIGHT_SECRET_KEY=SECRET)
    assert "--insecure-listen" in line
    assert not (tmp_path / "data").exists()
