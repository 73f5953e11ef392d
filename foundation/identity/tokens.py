"""Random tokens that a browser, a letter or a script holds; we hold only their hashes."""

import hashlib
import secrets

TOKEN_BYTES = 32


def make_token(prefix: str = "") -> str:
    """A new token of 256 bits."""
    return prefix + secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> str:
    """What is stored of a token; it is random, so that a plain digest cannot be turned back."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
