"""What computes with NumPy and SciPy is loaded by what computes, not by every process that starts Django."""

import os
import subprocess
import sys

from django.conf import settings

START = """
import sys, django
django.setup()
import marketplace.urls, marketplace.wsgi, marketplace.wiring
print(sorted({"numpy", "scipy"} & set(sys.modules)))
"""


def test_a_web_process_starts_without_numpy_and_scipy() -> None:
    result = subprocess.run(
        [sys.executable, "-c", START],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.strip() == "[]"
