"""Sealing of small secrets that are stored but must be read again, such as those of code makers.

The key is derived from the platform's secret key; earlier ones still open what they sealed.
"""

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from foundation.errors import Unavailable

_PURPOSE = b"millwright secrets at rest"


class Vault:
    """Seals with the present key and opens with it or an earlier one."""

    def __init__(self, secret_key: str, earlier: Sequence[str] = ()) -> None:
        self._fernet = MultiFernet([_make_fernet(each) for each in (secret_key, *earlier)])

    def seal(self, text: str) -> str:
        """The text, unreadable without the key."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """The text that was sealed.

        Raises:
            Unavailable: when no known key sealed it.
        """
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise Unavailable(
                "A stored secret was sealed with another secret key. "
                "Name that key in MILLWRIGHT_SECRET_KEY_FALLBACKS."
            ) from error


def _make_fernet(secret: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))
