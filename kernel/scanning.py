"""Whether a file is harmful, as the program says that the installation has for it; without one nothing is."""

import shlex
import subprocess
from typing import Final

from django.conf import settings

from kernel.errors import Refused

LONGEST_SECONDS: Final = 60
HARMLESS: Final = 0
HARMFUL: Final = 1


class ScannerUnavailable(Refused):
    """The scanner could not look at the file: send it again in a minute."""

    code = "scanner_unavailable"


def is_harmful(content: bytes) -> bool:
    """Let the scanner read ``content`` from its standard input; it ends with 0 for harmless and 1 for harmful.

    Anything else, or no end within a minute, raises ScannerUnavailable: what was not looked at is not taken.
    """
    command = shlex.split(settings.MEDIA_SCANNER)
    if not command:
        return False
    try:
        ended = subprocess.run(  # noqa: S603  (the installation's own program, no shell)
            command,
            input=content,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LONGEST_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ScannerUnavailable("The scanner did not look at this file. Send it again in a minute.") from error
    if ended.returncode not in (HARMLESS, HARMFUL):
        raise ScannerUnavailable("The scanner could not look at this file. Send it again in a minute.")
    return ended.returncode == HARMFUL
