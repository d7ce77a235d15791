"""What goes in and what comes out: two kinds of serializers, neither of which saves."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from kernel.api import fields

UNKNOWN: Final = "unknown_field"
"""The code of the fault that a body has a field of no meaning."""


class In(serializers.Serializer[Any]):
    """A body that is read. Unknown fields are refused, so that a typing error or a smuggled field is loud.

    ``EXAMPLE`` is the body that the docs show.
    """

    EXAMPLE: ClassVar[Mapping[str, object] | None] = None
    UNKNOWN: ClassVar[str] = UNKNOWN

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = {name for name, field in self.fields.items() if not field.read_only}
            unknown = [name for name in data if name not in known]
            if unknown:
                possible = ", ".join(sorted(known)) or "none"
                raise serializers.ValidationError(
                    {
                        str(name)[:100]: ErrorDetail(
                            f"There is no such field here. Known fields: {possible}.", self.UNKNOWN
                        )
                        for name in unknown[:20]
                    }
                )
        return super().to_internal_value(data)


class Query(In):
    """What may stand behind the `?` of an address; every parameter at most once."""

    UNKNOWN = "invalid"


class Out(serializers.Serializer[Any]):
    """An answer. ``EXAMPLE`` is the one that the docs show."""

    EXAMPLE: ClassVar[Mapping[str, object] | None] = None


class ErrorOut(Out):
    """How every operation says no."""

    code = fields.LineField(help_text="For programs; it does not change.")
    message = fields.LineField(help_text="For people: what is so, and what is possible.")
    details = fields.ObjectField(required=False, help_text="What a program may need to go on.")


class InvalidOut(ErrorOut):
    """How an operation refuses what cannot be meant."""

    def get_fields(self) -> dict[str, Any]:
        faults = fields.ListField(child=fields.ObjectField(), required=False, help_text="Each thing wrong, and where.")
        return {**super().get_fields(), "errors": faults}  # a serializer has an attribute `errors` of its own
