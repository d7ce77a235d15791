"""Which refused requests are told of in the audit trail: those by which somebody may have reached for more."""

from collections.abc import Mapping
from typing import Any, Final

from rest_framework.exceptions import ErrorDetail, ValidationError

from kernel.api.serializers import UNKNOWN
from kernel.errors import NotAllowed, Refused

TELLTALE: Final = frozenset(
    {
        "admin",
        "approved",
        "approved_at",
        "balance",
        "balance_minor",
        "certified",
        "client_id",
        "created_at",
        "fee",
        "fee_basis_points",
        "fee_minor",
        "granted",
        "is_active",
        "is_admin",
        "is_staff",
        "is_superuser",
        "owner",
        "owner_id",
        "paid",
        "permissions",
        "price",
        "price_frozen",
        "role",
        "roles",
        "second_factor_at",
        "standing",
        "state",
        "status",
        "tenant",
        "tenant_id",
        "user",
        "user_id",
        "verified",
    }
)
"""Names of what nobody sets by a request; as fields that an operation does not have they are no typing errors."""


MAKES_ADMINS: Final = frozenset({"grant_an_admin_role", "withdraw_an_admin_role", "invite_an_admin"})
"""Operations that nobody reaches for by accident whom they are not for."""


def attempt_in(error: Exception, *, operation: str) -> tuple[str, dict[str, object]]:
    """What the refusal of a request is called in the audit trail, with what was reached for; mostly nothing."""
    if type(error) is NotAllowed and operation in MAKES_ADMINS:
        return "admin_roles.reached_for", {}
    if isinstance(error, Refused):
        return error.attempt, {}
    if isinstance(error, ValidationError) and isinstance(error.detail, Mapping):
        smuggled = sorted(name for name, fault in error.detail.items() if name in TELLTALE and _is_unknown(fault))
        return ("fields.smuggled", {"fields": smuggled}) if smuggled else ("", {})
    return "", {}


def _is_unknown(fault: Any) -> bool:
    faults = fault if isinstance(fault, list) else [fault]
    return any(isinstance(one, ErrorDetail) and one.code == UNKNOWN for one in faults)
