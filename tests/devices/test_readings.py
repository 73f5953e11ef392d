"""Which texts may stand for a device and for a signal."""

import pytest

from devices.readings import is_device_key, is_signal_name


@pytest.mark.parametrize("key", ["a", "7", "pump-7", "SN_1.2", "a" * 64])
def test_a_device_key_has_letters_digits_dots_underscores_and_hyphens(key):
    assert is_device_key(key)


@pytest.mark.parametrize(
    "key",
    ["", "a" * 65, ".a", "-a", "_a", "a/b", "a+", "a#", "$SYS", "a b", "ü", "a\n", "a\x00", "٣"],
)
def test_no_device_key_can_leave_its_level_of_the_topic(key):
    assert not is_device_key(key)


@pytest.mark.parametrize(
    "name", ["t", "Motor Temp °C", "진동", "油压", "a" * 100, "=cmd|x", "<b>"]
)
def test_a_signal_may_have_any_printable_name(name):
    assert is_signal_name(name)


@pytest.mark.parametrize(
    "name", ["", "a" * 101, "a\x00", "a\nb", "a\r\n", "\u202eabc", "a\u200b", "\ud800", "\x7f"]
)
def test_no_signal_has_characters_that_hide_or_break_lines(name):
    assert not is_signal_name(name)
