"""Fields that only qualification has."""

import re
from datetime import timedelta
from typing import Any, Final

from rest_framework import serializers

from kernel.api import fields
from qualification.labels.markup import MAX_BYTES

_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


class SlugField(fields.LineField):
    """A short name for programs: small Latin letters and digits, with single hyphens between."""

    written_as = {"pattern": f"^{_SLUG.pattern}$"}
    default_error_messages = {"slug": "Small Latin letters and digits, with single hyphens between."}

    def to_internal_value(self, data: Any) -> str:
        slug: str = super().to_internal_value(data)
        if not _SLUG.fullmatch(slug):
            self.fail("slug")
        return slug


class SecondsField(fields.IntegerField):
    """A span of time, shown in whole seconds."""

    def to_representation(self, value: Any) -> int:
        assert isinstance(value, timedelta)
        return round(value.total_seconds())


class MarkupField(serializers.CharField):
    """A labeling config, kept to the last character as it was sent; its own parser says what is wrong in it."""

    default_error_messages = {"invalid": "This must be a text."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, max_length=MAX_BYTES, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data
