"""What is asked about a person, and what of it may be meant: plain data, nothing of it in any repr or message."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from kernel.errors import Invalid
from kernel.text import clean_line, clean_text

LONGEST_NAME: Final = 200
LONGEST_ADDRESS: Final = 500
FULL_AGE_YEARS: Final = 18
OLDEST_YEARS: Final = 120
TAX_ID_SEPARATORS: Final = re.compile(r"[\s./\-]+")
TAX_ID: Final = re.compile(r"(?=.*[0-9])[A-Z0-9]{5,20}")


class IdentityField(StrEnum):
    """What may be read of an identity."""

    LEGAL_NAME = "legal_name"
    ADDRESS = "address"
    BIRTH_DATE = "birth_date"
    TAX_ID = "tax_id"
    TAX_COPY = "tax_copy"


class Purpose(StrEnum):
    """Why somebody may read an identity."""

    IDENTITY_CHECK = "identity_check"
    PAYOUT_PROBLEM = "payout_problem"
    TAX_REPORT = "tax_report"
    LEGAL_REQUEST = "legal_request"
    SUBJECT_ACCESS = "subject_access"


READABLE_FOR: Final[Mapping[Purpose, frozenset[IdentityField]]] = {
    Purpose.IDENTITY_CHECK: frozenset({IdentityField.LEGAL_NAME, IdentityField.ADDRESS, IdentityField.BIRTH_DATE}),
    Purpose.PAYOUT_PROBLEM: frozenset({IdentityField.LEGAL_NAME, IdentityField.ADDRESS}),
    Purpose.TAX_REPORT: frozenset({IdentityField.TAX_ID, IdentityField.TAX_COPY}),
    Purpose.LEGAL_REQUEST: frozenset(IdentityField),
    Purpose.SUBJECT_ACCESS: frozenset(IdentityField),
}
"""Each purpose opens what it needs and no more."""


@dataclass(frozen=True, slots=True)
class IdentityData:
    """Who a person says they are. The tax id may come later; then it is empty here."""

    legal_name: str = field(repr=False)
    address: str = field(repr=False)
    birth_date: date = field(repr=False)
    tax_id: str = field(repr=False, default="")


def checked_identity(identity: IdentityData, *, today: date) -> IdentityData:
    """``identity`` in its normal form. Raises Invalid with every wrong field, and never repeats what they hold."""
    errors: list[dict[str, object]] = []

    def attempt(check: Callable[[], str]) -> str:
        try:
            return check()
        except Invalid as refusal:
            errors.extend(refusal.errors)
            return ""

    legal_name = attempt(
        lambda: clean_line(identity.legal_name, what="legal name", longest=LONGEST_NAME, field="legal_name")
    )
    address = attempt(lambda: clean_text(identity.address, what="address", longest=LONGEST_ADDRESS, field="address"))
    tax_id = attempt(lambda: normal_tax_id(identity.tax_id)) if identity.tax_id else ""
    if fault := _age_fault(identity.birth_date, today):
        errors.append({"field": "birth_date", "message": fault})
    if errors:
        raise Invalid("The identity cannot be taken as it is.", errors)
    return IdentityData(legal_name=legal_name, address=address, birth_date=identity.birth_date, tax_id=tax_id)


def normal_tax_id(written: str) -> str:
    """A tax id in the form in which equal ones are equal: capitals and digits only.

    Countries write them in many ways, so only the shape is checked: 5 to 20 letters and digits, at least one digit.
    """
    plain = TAX_ID_SEPARATORS.sub("", unicodedata.normalize("NFKC", written[:100])).upper()
    if not TAX_ID.fullmatch(plain):
        message = "A tax id has 5 to 20 letters and digits, at least one of them a digit."
        raise Invalid(message, [{"field": "tax_id", "message": message}])
    return plain


def _age_fault(birth_date: date, today: date) -> str:
    years = today.year - birth_date.year - ((today.month, today.day) < (birth_date.month, birth_date.day))
    if years > OLDEST_YEARS:
        return f"The birth date is more than {OLDEST_YEARS} years ago."
    if birth_date > today:
        return "The birth date is in the future."
    if years < FULL_AGE_YEARS:
        return f"Workers must be at least {FULL_AGE_YEARS} years old."
    return ""
