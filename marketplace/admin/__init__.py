"""The marketplace's sections of the console."""

from marketplace.admin import escalations, jobs

__all__ = ["escalations", "jobs"]
