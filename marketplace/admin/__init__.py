"""The marketplace's sections of the console."""

from marketplace.admin import certificates, escalations, jobs, money, pay, predictions, signals

__all__ = ["certificates", "escalations", "jobs", "money", "pay", "predictions", "signals"]
