"""An authenticator app as people carry it in their pockets (RFC 6238), for simulated people and for the shell.

`python3 marketplace/demo/authenticator.py SECRET` prints the code of this moment.
"""

import base64
import hashlib
import hmac
import struct
import sys
import time
from typing import Final

STEP_SECONDS: Final = 30


class AuthenticatorApp:
    """Shows a code of six digits that changes every half minute."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self._used = 0

    def code(self) -> str:
        """The code that it shows now, or the next one where this was used already, as each counts once."""
        while (step := int(time.time()) // STEP_SECONDS) == self._used:
            time.sleep(0.2)
        self._used = step
        digest = hmac.new(base64.b32decode(self.secret), struct.pack(">Q", step), hashlib.sha1).digest()
        offset = digest[-1] & 0x0F
        number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFF_FFFF
        return f"{number % 1_000_000:06}"


if __name__ == "__main__":
    sys.stdout.write(AuthenticatorApp(sys.argv[1]).code() + "\n")
