"""What security keys answer, as browsers write it (WebAuthn Level 3, `PublicKeyCredential.toJSON`)."""

import re
from typing import Any, Final

from rest_framework import serializers

from kernel.api import fields
from kernel.api.serializers import In

ID = "dGhlIGNyZWRlbnRpYWwncyBpZA"
CREATION_EXAMPLE = {
    "publicKey": {
        "rp": {"id": "assay.example.org", "name": "Assay"},
        "user": {"id": "C51MjmozTw6cVR1rn20qEQ", "name": "ada@example.org", "displayName": "Ada"},
        "challenge": "k0kXrZyVf1Gk2oYb7w3lqA",
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    }
}
LARGEST: Final = 8_000
BASE64URL: Final = "[A-Za-z0-9_-]+"
PUBLIC_KEY: Final = "public-key"


class Base64UrlField(serializers.CharField):
    """Bytes as Base64 for addresses, without padding."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, max_length=LARGEST, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or not re.fullmatch(BASE64URL, data):
            self.fail("invalid")
        return data


class RegisteredIn(In):
    """What a new key says of itself. What stands in it twice, in another form, is not read."""

    clientDataJSON = Base64UrlField()  # noqa: N815  (the standard's names, here and below)
    attestationObject = Base64UrlField()  # noqa: N815
    authenticatorData = Base64UrlField(required=False)  # noqa: N815
    publicKey = Base64UrlField(required=False)  # noqa: N815
    publicKeyAlgorithm = fields.IntegerField(required=False)  # noqa: N815
    transports = fields.ListField(child=fields.LineField(max_length=40), max_length=10, required=False)


class SignedIn(In):
    """What a key has signed."""

    clientDataJSON = Base64UrlField()  # noqa: N815
    authenticatorData = Base64UrlField()  # noqa: N815
    signature = Base64UrlField()
    userHandle = Base64UrlField(required=False, allow_null=True)  # noqa: N815


class _KeyIn(In):
    id = Base64UrlField()
    rawId = Base64UrlField()  # noqa: N815
    type = fields.ChoiceField(choices=[PUBLIC_KEY])
    authenticatorAttachment = fields.LineField(max_length=40, required=False, allow_null=True)  # noqa: N815
    clientExtensionResults = fields.ObjectField(required=False)  # noqa: N815

    read: tuple[str, ...] = ()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The parts that are read, and nothing else."""
        if attrs["id"] != attrs["rawId"]:
            raise serializers.ValidationError({"rawId": "This must be the same as id."})
        response = {name: attrs["response"][name] for name in self.read}
        return {"id": attrs["id"], "rawId": attrs["rawId"], "type": PUBLIC_KEY, "response": response}


class NewKeyAnswerIn(_KeyIn):
    """The answer of a key that is added."""

    EXAMPLE = {
        "id": ID,
        "rawId": ID,
        "type": PUBLIC_KEY,
        "response": {"clientDataJSON": "eyJ0eXBlIjoi…", "attestationObject": "o2NmbXRkbm9u…"},
    }
    response = RegisteredIn()
    read = ("clientDataJSON", "attestationObject")


class KeyAnswerIn(_KeyIn):
    """The answer of a key that is used."""

    EXAMPLE = {
        "id": ID,
        "rawId": ID,
        "type": PUBLIC_KEY,
        "response": {"clientDataJSON": "eyJ0eXBlIjoi…", "authenticatorData": "SZYN5YgOjGh…", "signature": "MEUCIQ…"},
    }
    response = SignedIn()
    read = ("clientDataJSON", "authenticatorData", "signature")
