"""Builders of people, through the same services that people use."""

from datetime import date
from itertools import count

from kernel.models import User
from kernel.services.audit import Actor
from tests.kernel.people import made_admin
from workforce.identity_data import IdentityData
from workforce.models import Application, Worker
from workforce.services.applying import TERMS_VERSION, apply, approve_application

_numbers = count(1)

LEGAL_NAME = "Ada Byron, Countess of Lovelace"
ADDRESS = "12 St James's Square\nLondon SW1Y 4JH"
BIRTH_DATE = date(1985, 12, 10)
TAX_ID = "AB 12 34 56 C"


def an_identity(
    *, legal_name: str = LEGAL_NAME, address: str = ADDRESS, birth_date: date = BIRTH_DATE, tax_id: str = ""
) -> IdentityData:
    return IdentityData(legal_name=legal_name, address=address, birth_date=birth_date, tax_id=tax_id)


def a_person(*, is_staff: bool = False) -> User:
    user = User.objects.create_user(f"person-{next(_numbers)}@example.org")
    return made_admin(user) if is_staff else user


def an_admin() -> User:
    return a_person(is_staff=True)


def an_application(
    *, user: User | None = None, identity: IdentityData | None = None, country: str = "GB", note: str = ""
) -> Application:
    return apply(
        user=user or a_person(),
        country=country,
        languages=["en", "pt-BR"],
        identity=identity or an_identity(),
        terms_version=TERMS_VERSION,
        note=note,
    )


def a_worker(*, user: User | None = None, identity: IdentityData | None = None, country: str = "GB") -> Worker:
    application = an_application(user=user, identity=identity, country=country)
    admin = made_admin(a_person(), "certification")
    return approve_application(application_id=application.pk, by=Actor.user(admin))
