"""The marketplace's sections of the console."""

from marketplace.admin import certificates, escalations, fits, gold, jobs, money, pay, predictions, signals

__all__ = ["certificates", "escalations", "fits", "gold", "jobs", "money", "pay", "predictions", "signals"]
