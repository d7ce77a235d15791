"""Answers already given, so that a retried request gets the same one."""

from django.db import models

from kernel import clock


class IdempotencyRecord(models.Model):
    """The answer to one creating request, kept under the key that its sender chose."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey("kernel.User", on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    path = models.CharField(max_length=300)
    body_hmac = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    answer = models.JSONField()
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="one_answer_per_key")]

    def __str__(self) -> str:
        return f"{self.key} {self.path} {self.status}"
