"""Certificates: what is promised of a job's labels, the inspections that it rests on, and who ordered one."""

import uuid

from django.db import models
from django.db.models import Q

from kernel import clock
from marketplace.models.escalation import Escalation
from marketplace.models.job import Job
from marketplace.models.task import Task


class Certificate(models.Model):
    """A promise in the making, and, once ``note`` is signed, made. While one is in the making the labels stand.

    ``classes`` says of each class, by its label's key, how many labels answers and experts had given when it was begun;
    ``seed`` is what tasks are drawn with. Shares are in basis points.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="certificates")
    target_basis_points = models.PositiveSmallIntegerField(help_text="The share of labels that is to be right.")
    assurance_basis_points = models.PositiveSmallIntegerField(help_text="How sure that must be.")
    classes = models.JSONField()
    seed = models.CharField(max_length=64)
    begun_at = models.DateTimeField(default=clock.now)
    issued_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True, default="", help_text="The certificate as it was signed.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job"], condition=Q(issued_at__isnull=True), name="one_certificate_in_the_making_per_job"
            ),
            models.CheckConstraint(
                condition=Q(
                    target_basis_points__gte=5000,
                    target_basis_points__lt=10_000,
                    assurance_basis_points__gte=5000,
                    assurance_basis_points__lt=10_000,
                ),
                name="certificate_terms_in_range",
            ),
            models.CheckConstraint(
                condition=Q(issued_at__isnull=True, note="") | (Q(issued_at__isnull=False) & ~Q(note="")),
                name="certificate_issued_is_signed",
            ),
        ]

    def __str__(self) -> str:
        return f"certificate {self.pk}"


class CertificateOrder(models.Model):
    """That a client wants a certificate of a job: it waits for the labels, until one is begun, or refused."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="certificate_orders")
    target_basis_points = models.PositiveSmallIntegerField(help_text="The share of labels that is to be right.")
    assurance_basis_points = models.PositiveSmallIntegerField(help_text="How sure that must be.")
    per_class = models.BooleanField(help_text="Of the labels of each class, not only of all together.")
    ordered_at = models.DateTimeField(default=clock.now)
    certificate = models.OneToOneField(Certificate, null=True, on_delete=models.PROTECT, related_name="order")
    refused_because = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job"],
                condition=Q(certificate__isnull=True, refused_because=""),
                name="one_waiting_certificate_order_per_job",
            ),
            models.CheckConstraint(
                condition=Q(
                    target_basis_points__gte=5000,
                    target_basis_points__lte=9900,
                    assurance_basis_points__gte=5000,
                    assurance_basis_points__lte=9900,
                ),
                name="certificate_order_terms_in_range",
            ),
            models.CheckConstraint(
                condition=Q(certificate__isnull=True) | Q(refused_because=""), name="certificate_order_has_one_end"
            ),
        ]

    def __str__(self) -> str:
        return f"order of a certificate of job {self.job_id}"


class Inspection(models.Model):
    """An expert labels a task anew, not knowing its label. ``said_key`` is the label it had, ``found_key`` theirs.

    ``label`` is the class that it was taken from, by its key, and ``position`` says when: tasks are looked at in any
    order, but count in that one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="inspections")
    escalation = models.OneToOneField(Escalation, on_delete=models.PROTECT, related_name="inspection")
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="inspections")
    label = models.TextField(blank=True)
    position = models.PositiveIntegerField()
    drawn = models.BooleanField(help_text="At random; else because the label was among the least sure ones.")
    said_key = models.TextField()
    found_key = models.TextField(blank=True, default="")
    found_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["certificate", "task"], name="one_inspection_per_task"),
            models.UniqueConstraint(fields=["certificate", "position"], name="one_inspection_per_position"),
            models.CheckConstraint(
                condition=Q(found_at__isnull=True, found_key="") | (Q(found_at__isnull=False) & ~Q(found_key="")),
                name="inspection_found_something",
            ),
        ]

    def __str__(self) -> str:
        return f"inspection {self.position} of certificate {self.certificate_id}"
