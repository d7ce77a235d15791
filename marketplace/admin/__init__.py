"""The marketplace's sections of the console."""

from marketplace.admin import certificates, escalations, jobs

__all__ = ["certificates", "escalations", "jobs"]
