"""An authenticator app and a security key in software, written from RFC 6238 and WebAuthn: the other side of ours."""

import base64
import hashlib
import hmac
import json
import struct
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings
from fido2 import cbor

from kernel import clock

PRESENT, ATTESTED = 0x01, 0x40


class App:
    """An authenticator app."""

    def __init__(self, secret: str) -> None:
        self._secret = base64.b32decode(secret)

    def code(self, *, steps_ahead: int = 0) -> str:
        """What it shows now, or so many times 30 seconds from now."""
        step = int((clock.now() + steps_ahead * timedelta(seconds=30)).timestamp()) // 30
        digest = hmac.new(self._secret, struct.pack(">Q", step), hashlib.sha1).digest()
        offset = digest[-1] & 15
        number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFF_FFFF
        return f"{number % 10**6:06}"


class SecurityKey:
    """A security key with one credential."""

    def __init__(self, *, origin: str = "") -> None:
        self.origin = origin or settings.BASE_URL
        self.id = hashlib.sha256(str(id(self)).encode()).digest()
        self.counter = 0
        self._key = ec.generate_private_key(ec.SECP256R1())

    def register(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Its answer to what a page asks for when it is added."""
        asked = options["publicKey"]
        numbers = self._key.public_key().public_numbers()
        point = {-2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        described = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cbor.encode({1: 2, 3: -7, -1: 1, **point})
        seen = self._authenticator_data(asked["rp"]["id"], flags=PRESENT | ATTESTED) + described
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": seen})
        said = self._client_data("webauthn.create", asked["challenge"])
        return self._answer(clientDataJSON=said, attestationObject=attestation)

    def use(self, options: Mapping[str, Any], *, flags: int = PRESENT) -> dict[str, Any]:
        """Its answer to what a page asks for when somebody signs in."""
        asked = options["publicKey"]
        self.counter += 1
        seen = self._authenticator_data(asked["rpId"], flags=flags)
        said = self._client_data("webauthn.get", asked["challenge"])
        signature = self._key.sign(seen + hashlib.sha256(said).digest(), ec.ECDSA(SHA256()))
        return self._answer(clientDataJSON=said, authenticatorData=seen, signature=signature)

    def _authenticator_data(self, rp_id: str, *, flags: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, self.counter)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, **response: bytes) -> dict[str, Any]:
        written = {name: _encoded(value) for name, value in response.items()}
        return {"id": _encoded(self.id), "rawId": _encoded(self.id), "type": "public-key", "response": written}


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
