"""Signs of life: what a part of the running system has last been seen to do, not that its process is there."""

from django.db import models


class Heartbeat(models.Model):
    """The last sign of life of one part (`relay`, `worker`, `beat`), whichever of its processes gave it."""

    part = models.CharField(primary_key=True, max_length=30)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.part} at {self.at:%H:%M:%S}"
