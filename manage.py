#!/usr/bin/env python3
"""The only door to Assay: `python3 manage.py help` lists what is behind it."""

import os
import sys


def main() -> None:
    """Bring the project's own environment, then hand over to Django."""
    if sys.version_info < (3, 11):  # noqa: UP036  (the reader of this message runs an older one)
        sys.exit("Assay needs Python 3.11 or newer; this is %d.%d." % sys.version_info[:2])  # noqa: UP031
    from kernel.bootstrap import enter_environment

    enter_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from kernel.embedded.lifecycle import EmbeddedServerError

    try:
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, EmbeddedServerError) as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(str(error))


if __name__ == "__main__":
    main()
