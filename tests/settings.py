"""The settings of a test run: the project's own, with a folder of its own and nothing of the caller's accounts."""

import atexit
import os
import shutil
import tempfile

PREFIX = "assay-test-"
RUN_FOLDER = "ASSAY_TEST_FOLDER"  # made by the first process of a run, inherited by its workers

OF_THE_CALLER = (
    "STRIPE_API_KEY",
    "STRIPE_API_BASE",
    "STRIPE_WEBHOOK_SECRET",
    "BROKER_URL",
    "ASSAY_MASTER_KEYS",
    "ASSAY_AUDIT_KEY",
    "ASSAY_AUDIT_TRUSTED_KEYS",
)
for name in OF_THE_CALLER:
    os.environ.pop(name, None)
os.environ["ASSAY_ENV"] = "test"
if RUN_FOLDER not in os.environ:
    os.environ[RUN_FOLDER] = tempfile.mkdtemp(prefix=PREFIX)
    atexit.register(shutil.rmtree, os.environ[RUN_FOLDER], ignore_errors=True)
os.environ["ASSAY_VAR"] = os.environ[RUN_FOLDER]

from marketplace.settings import *  # noqa: E402, F403  (the environment above must stand first)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # tests sign in often
