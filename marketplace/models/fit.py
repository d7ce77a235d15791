"""Fits: what was learnt of a job's workers from its answers, at one moment after another."""

import uuid

from django.db import models
from django.db.models import Q

from kernel import clock
from marketplace.models.job import Job


class Fit(models.Model):
    """What was learnt of a job from all answers that it had: its latest fit weighs the answers that come. A fact.

    ``parts`` has, for each choice that the label schema asks for, the method that leads and why, what was tried beside
    it, and how far its confidence can be believed (`qualification.statistics.fitted`). Where it asks for what is no
    choice, ``resemblance`` has how likely merged answers are right (`qualification.statistics.resemblance`), and
    ``habits``, control by control, whether what was learnt of workers merges their answers better
    (`qualification.labels.learning`). It rests on so many ``answers``, of which those to ``gold`` tasks tell what is
    right; ``claims`` is how often the job had been claimed, which says when to fit anew.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="fits", db_index=False)
    number = models.PositiveIntegerField(help_text="Counts the fits of a job, from 1.")
    parts = models.JSONField()
    resemblance = models.JSONField(null=True)
    habits = models.JSONField(default=list, db_default=[])
    answers = models.PositiveIntegerField()
    gold = models.PositiveIntegerField(help_text="Gold tasks among those that were answered.")
    workers = models.PositiveIntegerField()
    claims = models.PositiveIntegerField()
    fitted_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="one_fit_per_number"),
            models.CheckConstraint(condition=Q(number__gte=1, answers__gte=1, workers__gte=1), name="fit_has_answers"),
        ]

    def __str__(self) -> str:
        return f"fit {self.number} of job {self.job_id}"


class FittedWorker(models.Model):
    """How one worker errs, as the latest fit of a job has it: ``rates`` for each of its parts, null where only the
    score says; ``habits`` by control that is no choice, where these merge better. Who ``is_sure`` is asked first where
    a task stays unsure. Those of earlier fits are of no use any more, and are gone."""

    id = models.BigAutoField(primary_key=True)
    fit = models.ForeignKey(Fit, on_delete=models.PROTECT, related_name="+", db_index=False)
    worker = models.ForeignKey("workforce.Worker", on_delete=models.PROTECT, related_name="+", db_index=False)
    rates = models.JSONField()
    habits = models.JSONField(default=dict, db_default={})
    is_sure = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["fit", "worker"], name="one_row_per_fitted_worker")]

    def __str__(self) -> str:
        return f"worker {self.worker_id} in fit {self.fit_id}"


class SecondLook(models.Model):
    """A fit's way through the settled tasks of its job, which are weighed again by what it knows.

    Up to the task with the id ``after_id`` they have been.
    """

    fit = models.OneToOneField(Fit, primary_key=True, on_delete=models.PROTECT, related_name="second_look")
    after_id = models.UUIDField(null=True)
    done_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"second look by fit {self.fit_id}"
