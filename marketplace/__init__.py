"""The Django project and the top app: clients, jobs, tasks, assignments, review, escalation, datasets."""

from marketplace.celery import app as celery_app

__all__ = ["celery_app"]
