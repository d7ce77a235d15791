"""The settings of a test run: the project's own, with a folder of its own and nothing of the caller's accounts."""

import os
import tempfile

RUN_FOLDER = "ASSAY_TEST_FOLDER"  # made by the first process of a run, inherited by its workers

for name in ("STRIPE_API_KEY", "STRIPE_API_BASE", "STRIPE_WEBHOOK_SECRET", "BROKER_URL", "ASSAY_MASTER_KEYS"):
    os.environ.pop(name, None)
os.environ["ASSAY_ENV"] = "test"
os.environ["ASSAY_VAR"] = os.environ.setdefault(RUN_FOLDER, "") or tempfile.mkdtemp(prefix="assay-test-")
os.environ[RUN_FOLDER] = os.environ["ASSAY_VAR"]

from marketplace.settings import *  # noqa: E402, F403  (the environment above must stand first)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # tests sign in often
