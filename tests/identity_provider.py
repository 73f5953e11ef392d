"""An OpenID Connect provider as a process of its own: honest, unless a test tells it otherwise.

It checks client, redirect address, code (once) and PKCE as a provider must, signs with a key pair
that it publishes, and has one person who always agrees. `POST /control` changes what it claims.
"""

import base64
import hashlib
import hmac
import json
import secrets
import subprocess
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "millwright", "a client secret of the tests"


class Provider(ThreadingHTTPServer):
    """Its keys, codes not yet used, and what a test told it to claim."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self.codes, self.told = {}, {}

    def sign(self, asked):
        now = self.told.get("now", 0)
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "person-1",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
        }
        claims |= self.told.get("claims", {})
        algorithm = self.told.get("algorithm", "RS256")
        if algorithm == "none":
            parts = ({"alg": "none"}, claims)
            return ".".join([_encode(json.dumps(each).encode()) for each in parts] + [""])
        if algorithm == "HS256":
            # The public key as a secret: the classic confusion of algorithms.
            parts = ({"alg": "HS256", "kid": "first"}, claims)
            said = ".".join(_encode(json.dumps(each).encode()) for each in parts)
            secret = self.key.as_pem(private=False)
            return f"{said}.{_encode(hmac.digest(secret, said.encode(), 'sha256'))}"
        key = self.key
        if self.told.get("foreign_key"):
            key = RSAKey.generate_key(2048, {"kid": "first"})
        return jwt.encode({"alg": algorithm, "kid": "first"}, claims, key)


def _encode(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Answers(BaseHTTPRequestHandler):
    """One request."""

    server: Provider

    def do_GET(self):
        path = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(path.query).items()}
        if path.path == "/.well-known/openid-configuration":
            self._answer(
                {
                    "issuer": self.server.told.get("issuer", self.server.url),
                    "authorization_endpoint": f"{self.server.url}/authorize",
                    "token_endpoint": f"{self.server.url}/token",
                    "jwks_uri": f"{self.server.url}/keys",
                }
            )
        elif path.path == "/keys":
            self._answer({"keys": [self.server.key.as_dict(private=False)]})
        elif path.path == "/authorize":
            self._authorize(asked)
        else:
            self._answer({}, 404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/control":
            self.server.told = json.loads(body)
            self._answer({})
            return
        self._give_token({name: values[0] for name, values in parse_qs(body).items()})

    def _authorize(self, asked):
        wanted = {"client_id": CLIENT, "response_type": "code", "code_challenge_method": "S256"}
        if wanted.items() - asked.items() or "openid" not in asked["scope"].split():
            self._answer({"error": "invalid_request"}, 400)
            return
        code = secrets.token_urlsafe(16)
        self.server.codes[code] = asked
        self.send_response(302)
        target = urlencode({"code": code, "state": asked["state"]})
        self.send_header("Location", f"{asked['redirect_uri']}?{target}")
        self.end_headers()

    def _give_token(self, sent):
        asked = self.server.codes.pop(sent.get("code"), None)
        named = f"Basic {base64.b64encode(f'{CLIENT}:{SECRET}'.encode()).decode()}"
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        if (
            asked is None
            or self.headers["Authorization"] != named
            or sent.get("redirect_uri") != asked["redirect_uri"]
            or _encode(digest) != asked["code_challenge"]
        ):
            self._answer({"error": "invalid_grant"}, 400)
            return
        token = self.server.sign(asked)
        self._answer({"access_token": "none", "token_type": "Bearer", "id_token": token})

    def _answer(self, content, status=200):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class RunningProvider:
    """The provider's process, its address, and the way to tell it what to claim."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__))], stdout=subprocess.PIPE, text=True
        )
        self.url = self._process.stdout.readline().strip()

    def tell(self, **told):
        body = json.dumps(told).encode()
        with urllib.request.urlopen(f"{self.url}/control", body, timeout=10):
            pass

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


if __name__ == "__main__":
    provider = Provider()
    sys.stdout.write(provider.url + "\n")
    sys.stdout.flush()
    provider.serve_forever()
