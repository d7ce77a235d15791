"""`manage.py up`: everything running, in one terminal."""

import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from kernel.embedded.lifecycle import EmbeddedServerError
from kernel.supervisor import SupervisorError
from marketplace.stack import Stack, StackError


class Command(BaseCommand):
    """Runs a stack until it is told to stop."""

    help = "Run database, broker, web server, worker, beat and relay, and keep them running until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address that the web server listens on")
        parser.add_argument("--port", type=int, default=8000, help="its port; 0 takes a free one")
        parser.add_argument("--content-port", type=int, help="the port of media: the next one, or a free one for 0")

    def handle(self, *args: Any, host: str, port: int, content_port: int | None, **options: Any) -> None:
        stack = Stack(
            var=settings.VAR_DIR,
            host=host,
            port=port,
            content_port=(port and port + 1) if content_port is None else content_port,
            web_workers=settings.WEB_WORKERS,
            web_threads=settings.WEB_THREADS,
            celery_workers=settings.CELERY_WORKERS,
            exposed=settings.EXPOSED,
            tell=self.say,
        )
        stop = threading.Event()
        on_signals(interrupt_once)
        self.say("Starting; the first time takes a few seconds longer.")
        try:
            with stack:
                invitation = stack.manage("invite_admin", "--first").strip()
                on_signals(lambda number, frame: stop.set())
                self.say(where_to_look(stack))
                if invitation:
                    self.say(f"Nobody has an account here yet. {invitation}")
                stop.wait()
                self.say("Stopping.")
        except (StackError, SupervisorError, EmbeddedServerError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.say("Stopped before everything had started.")
        else:
            self.say("Stopped.")

    def say(self, sentence: str) -> None:
        """One line, seen at once also through a pipe."""
        self.stdout.write(sentence)
        self.stdout.flush()


def on_signals(handler: Callable[[int, FrameType | None], Any]) -> None:
    """Let the handler answer all the ways in which a person or a system ends a program gently."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def interrupt_once(number: int, frame: FrameType | None) -> None:
    """End the start; a second signal must not end the cleaning up."""
    on_signals(lambda number, frame: None)
    raise KeyboardInterrupt


def where_to_look(stack: Stack) -> str:
    """The addresses and folders that a person wants to know."""
    running = [watched.service.name for watched in stack.supervisor.watched]
    lines = {
        "web": f"{stack.base_url}/",
        "media": f"{stack.content_origin}/",
        "operators": f"{stack.base_url}/admin/",
        "API": f"{stack.base_url}/api/v1/docs/",
        "Stripe": f"{stack.stripe_double}  (our own double: no money moves)"
        if stack.stripe_double
        else "api.stripe.com",
        "database": f"embedded, {stack.var / 'postgres'}" if "database" in running else "at DATABASE_URL",
        "broker": f"embedded, {stack.var / 'broker'}" if "broker" in running else "at BROKER_URL",
        "mail": "sent through ASSAY_EMAIL_URL" if settings.EMAIL_URL else f"not sent: files in {stack.var / 'mail'}",
        "logs": f"{stack.logs}/",
        "running": ", ".join(running),
    }
    return "\n".join(["Assay is up.", *(f"  {name:<10} {place}" for name, place in lines.items()), "Stop with Ctrl-C."])
