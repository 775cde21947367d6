"""Tokens and passwords for tests: JSON Web Tokens signed with a secret, and lines of a users-file."""
import base64
import hashlib
import hmac
import json
import time

from support.tps import tps

SECRET = "0f5b1c8e7a6d4b3c2f1e0d9c8b7a6f5e"
EVERYTHING = "transactions:read transactions:write accounts:read accounts:write"


def encoded(value):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def token(scope=EVERYTHING, subject="shop", user=None, secret=SECRET, expires_in=600, **claims):
    claims = {"sub": subject, "scope": scope, "exp": int(time.time()) + expires_in} | claims
    if user is not None:
        claims["tps_user"] = user
    message = f'{encoded({"alg": "HS256", "typ": "JWT"})}.{encoded(claims)}'
    return f"{message}.{encoded(hmac.digest(secret.encode(), message.encode(), hashlib.sha256))}"


def bearer(*arguments, **options):
    """The header with a token of this kind."""
    return {"Authorization": f"Bearer {token(*arguments, **options)}"}


def user_line(name, password, scopes, user=None):
    hashed = tps("hash-password", input=password + "\n")
    assert hashed.returncode == 0, hashed.stderr
    return f"{name} {hashed.stdout.strip()} {scopes}" + (f" user={user}" if user else "") + "\n"
