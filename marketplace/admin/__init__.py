"""The marketplace's sections of the console."""

from marketplace.admin import certificates, escalations, jobs, predictions

__all__ = ["certificates", "escalations", "jobs", "predictions"]
