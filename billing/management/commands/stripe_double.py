"""`manage.py stripe_double`: our own stand-in for Stripe as a process, on this machine only."""

import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from billing.demo.stripe_double import StripeDouble


class Command(BaseCommand):
    """Runs until it is told to stop (SIGINT or SIGTERM)."""

    help = "Run the Stripe double: checkout, accounts, transfers, refunds and signed webhooks, with no real money."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
        parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
        parser.add_argument("--webhook-url", default="", help="where events are sent; unset: nowhere")
        parser.add_argument("--webhook-secret", default="", help="signs them; unset: STRIPE_WEBHOOK_SECRET")
        parser.add_argument("--state-file", type=Path, help="keep everything here, so that a restart forgets nothing")
        parser.add_argument("--fee-basis-points", type=int, default=0, help="kept back from each charge")
        parser.add_argument("--fee-fixed-minor", type=int, default=0, help="kept back from each charge beside that")
        parser.add_argument("--dispute-fee-minor", type=int, default=0, help="kept back for each dispute")

    def handle(self, **options: Any) -> None:
        if settings.PRODUCTION or "_live_" in settings.STRIPE_API_KEY:
            raise CommandError("The Stripe double does not run in production, nor beside a live STRIPE_API_KEY.")
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        try:
            double = StripeDouble(
                host=options["host"],
                port=options["port"],
                webhook_url=options["webhook_url"],
                webhook_secret=options["webhook_secret"] or settings.STRIPE_WEBHOOK_SECRET,
                state_file=options["state_file"],
                fee_basis_points=options["fee_basis_points"],
                fee_fixed_minor=options["fee_fixed_minor"],
                dispute_fee_minor=options["dispute_fee_minor"],
            )
        except (ValueError, OSError) as problem:
            raise CommandError(str(problem)) from problem
        with double:
            self.stdout.write(f"The Stripe double listens on {double.base_url}. Stop it with Ctrl-C.")
            self.stdout.flush()
            stop.wait()
