"""The network made once a module, for tests that roll back what they write."""

import pytest

from tests.foundation.conftest import filled

__all__ = ["filled"]


@pytest.fixture
def session(filled):
    """The manufacturer's administrator at work; nothing stays."""
    with filled.database.session(filled.scope("maker")) as session:
        yield session
