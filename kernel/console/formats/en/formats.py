"""Instants with their seconds and their zone: who reads a trail asks what came first."""

from typing import Final

DATETIME_FORMAT: Final = "Y-m-d H:i:s e"
DATE_FORMAT: Final = "Y-m-d"
