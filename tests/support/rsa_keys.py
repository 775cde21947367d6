"""RSA keys of a token issuer, created and used by the openssl command."""
import json

from support.process import run
from support.tokens import encoded, token


class RsaKey:
    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.private, self.public = folder / f"{name}.key", folder / f"{name}.pem"
        assert run(["openssl", "genrsa", "-out", self.private, "2048"]).returncode == 0
        assert run(["openssl", "rsa", "-in", self.private, "-pubout", "-out", self.public]).returncode == 0

    def bearer(self, **header):
        """The header with a token that this key signs."""
        message = encoded({"alg": "RS256"} | header) + "." + token().split(".")[1]
        text, signature = self.folder / "message", self.folder / "signature"
        text.write_text(message)
        assert run(["openssl", "dgst", "-sha256", "-sign", self.private, "-out", signature, text]).returncode == 0
        return {"Authorization": f"Bearer {message}.{encoded(signature.read_bytes())}"}

    def jwk(self):
        modulus = run(["openssl", "rsa", "-in", self.private, "-noout", "-modulus"]).stdout.strip().removeprefix("Modulus=")
        return {"kty": "RSA", "kid": self.name, "e": "AQAB", "n": encoded(bytes.fromhex(modulus))}


def jwk_set(*keys):
    return json.dumps({"keys": [one if isinstance(one, dict) else one.jwk() for one in keys]})
