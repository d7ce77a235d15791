"""The tables of workforce."""

from workforce.models.application import Application
from workforce.models.identity import Identity
from workforce.models.worker import Worker

__all__ = ["Application", "Identity", "Worker"]
