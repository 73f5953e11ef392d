"""OpenID Connect: asking a provider who somebody is, by the code flow with PKCE (RFC 7636).

Only what the provider signed for us, for this attempt and a moment ago, is believed.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2 import OAuth2Error
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from foundation.errors import Invalid, Unavailable
from foundation.outgoing import TIMEOUT_S, check_address, fetch_json, guard

# Signatures by key pairs only: no "none", and no secret that both sides know.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
LEEWAY_S = 60
SCOPES = "openid email profile"
_ADDRESSES = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class ProviderAccess:
    """What is needed to ask a provider: its address, and who we are to it."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_url: str
    private_hosts: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """Where the browser goes to, and what the answer must fit."""

    url: str
    expected: dict[str, Any]


def discover(access: ProviderAccess) -> Mapping[str, Any]:
    """What the provider says of itself.

    Raises:
        Invalid: when its address may not be called.
        Unavailable: when it does not answer, or answers for another.
    """
    address = access.issuer.rstrip("/") + "/.well-known/openid-configuration"
    said = fetch_json(address, access.private_hosts)
    if said.get("issuer") != access.issuer or any(
        not isinstance(said.get(each), str) for each in _ADDRESSES
    ):
        raise Unavailable("%(url)s does not answer as it should.", url=address)
    for each in _ADDRESSES:
        check_address(said[each], access.private_hosts)
    return said


def ask(access: ProviderAccess) -> Question:
    """Begins an attempt: the address to send the browser to."""
    said = discover(access)
    verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    with _client(access) as client:
        url, state = client.create_authorization_url(
            said["authorization_endpoint"],
            state=secrets.token_urlsafe(24),
            code_verifier=verifier,
            nonce=nonce,
        )
    return Question(url, {"state": state, "verifier": verifier, "nonce": nonce})


def read_answer(
    access: ProviderAccess,
    expected: Mapping[str, Any],
    *,
    state: str,
    code: str,
    at: datetime,
) -> Mapping[str, Any]:
    """What the provider says of whoever signed in there.

    Raises:
        Invalid: when anything about it is not as it was asked for.
        Unavailable: when the provider does not answer.
    """
    if not code or not secrets.compare_digest(state.encode(), str(expected["state"]).encode()):
        raise Invalid("This answer does not belong to your attempt. Begin again.")
    said = discover(access)
    token = _exchange(access, said["token_endpoint"], code, str(expected["verifier"]))
    keys = fetch_json(said["jwks_uri"], access.private_hosts)
    return check_token(access, token, keys, nonce=str(expected["nonce"]), at=at)


def check_token(
    access: ProviderAccess, token: str, keys: Mapping[str, Any], *, nonce: str, at: datetime
) -> Mapping[str, Any]:
    """The claims of an ID token.

    Raises:
        Invalid: when it was not signed by the provider, for us, for this attempt, and just now.
    """
    rules = JWTClaimsRegistry(
        now=int(at.timestamp()),
        leeway=LEEWAY_S,
        iss={"essential": True, "value": access.issuer},
        aud={"essential": True, "value": access.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        claims = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims  # type: ignore[arg-type]  # a mapping of lists
        rules.validate(claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise Invalid("What the provider answered cannot be trusted.") from error
    audience = claims["aud"]
    is_shared = isinstance(audience, list) and len(audience) > 1
    if is_shared and claims.get("azp") != access.client_id:
        raise Invalid("What the provider answered cannot be trusted.")
    return claims


def _exchange(access: ProviderAccess, url: str, code: str, verifier: str) -> str:
    with _client(access) as client:
        try:
            answer = client.fetch_token(
                url, code=code, code_verifier=verifier, timeout=TIMEOUT_S, allow_redirects=False
            )
        except (OAuth2Error, OAuthError) as error:
            raise Invalid("The provider did not accept this attempt. Begin again.") from error
        except (requests.RequestException, OSError, ValueError) as error:
            raise Unavailable("%(url)s does not answer as it should.", url=url) from error
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise Invalid("What the provider answered cannot be trusted.")
    return token


def _client(access: ProviderAccess) -> Any:
    client = OAuth2Session(
        access.client_id,
        access.client_secret,
        scope=SCOPES,
        redirect_uri=access.redirect_url,
        code_challenge_method="S256",
    )
    return guard(client, access.private_hosts)
