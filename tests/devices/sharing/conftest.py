"""The network made once a module, for tests that roll back what they write."""

from tests.foundation.conftest import filled

__all__ = ["filled"]
