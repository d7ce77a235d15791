"""Everything that one client's owner and one worker can address, asked for by another client's owner and worker.

Each operation of the API stands in one of the tables below; a new one must be placed there.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.fields import UUIDField

from kernel.api.uploads import UploadView
from kernel.api.views import ApiView
from kernel.models import AuditEvent
from tests.access.world import Side, a_side
from tests.marketplace.api_people import Person
from tests.qualification.builders import an_answer

pytestmark = pytest.mark.django_db

METHODS: Final = ("get", "post", "put", "patch", "delete")

ADMINS: Final = """
    POST clients/<client_id>/credits/ | POST clients/<client_id>/credits/<credit_id>/take-back/
    GET stripe-movements/ | POST stripe-movements/<movement_id>/explain/
    GET books/ | GET money/trace/<subject>/ | GET money/exceptions/ | GET money/in-flight/
    GET tax-reports/1099-nec/<year>/ | GET tax-reports/dac7/<year>/ | POST applications/<application_id>/approve/
    POST applications/<application_id>/decline/
    GET workers/ | GET workers/<worker_id>/ | POST workers/<worker_id>/pause/ | POST workers/<worker_id>/resume/
    POST workers/<worker_id>/suspend/ | POST workers/<worker_id>/reinstate/ | POST workers/<worker_id>/offboard/
    POST workers/<worker_id>/identity-reading/ | POST skills/ | GET gold-questions/ | POST gold-questions/
    POST gold-questions/<gold_question_id>/retire/ | POST gold-questions/<gold_question_id>/recall/
    GET gold-questions/<gold_question_id>/recall/ | POST certifications/<certification_id>/grant/
    POST certifications/<certification_id>/deny/ | POST certifications/<certification_id>/revoke/ | GET scores/
    GET escalations/ | GET escalations/<escalation_id>/ | POST escalations/<escalation_id>/claim/
    POST escalations/<escalation_id>/release/ | POST escalations/<escalation_id>/decision/ | GET audit-events/
    GET audit-events/<audit_event_id>/proof/ | GET audit/checkpoint/
    POST users/<user_id>/end-sessions/ | POST users/<user_id>/reset-second-factors/
    GET admin-roles/ | POST admin-roles/ | DELETE admin-roles/<admin_role_id>/
    GET admin-invitations/ | POST admin-invitations/ | DELETE admin-invitations/<admin_invitation_id>/
    GET skills/<skill_id>/media/ | POST skills/<skill_id>/media/ | GET skills/<skill_id>/media/<media_id>/
    DELETE skills/<skill_id>/media/<media_id>/ | POST skills/<skill_id>/media/<media_id>/withdraw/
    POST clients/<client_id>/fees/ | POST pay-floors/ | GET signals/ | GET signals/<signal_id>/
    GET confusions/ | GET jobs/<job_id>/fairness/
"""
"""For admins alone, whoever's it is."""

WORKERS: Final = """
    GET exams/<exam_id>/ | POST exams/<exam_id>/answers/ | POST exams/<exam_id>/finish/
    POST assignments/<assignment_id>/submit/ | POST assignments/<assignment_id>/return/
    POST assignments/<assignment_id>/appeal/ | POST assignments/<assignment_id>/heartbeat/
    GET payouts/<payout_id>/ | POST payouts/<payout_id>/cancel/ | GET earnings/trace/<subject>/
    POST signals/<signal_id>/answer/
"""
"""For workers alone, and to them what is another's does not exist."""

PRIVATE: Final = """
    DELETE api-keys/<api_key_id>/ | POST api-keys/<api_key_id>/rotate/ | DELETE second-factors/<factor_id>/
    GET applications/<application_id>/ | GET certifications/<certification_id>/ | GET clients/<client_id>/
    GET clients/<client_id>/members/ | DELETE clients/<client_id>/members/<member_id>/
    PUT clients/<client_id>/members/<member_id>/role/ | GET clients/<client_id>/invitations/
    POST clients/<client_id>/invitations/ | GET clients/<client_id>/balance/
    DELETE invitations/<invitation_id>/ | POST invitations/<invitation_id>/accept/
    POST invitations/<invitation_id>/decline/ | GET jobs/<job_id>/invitations/ | POST jobs/<job_id>/invitations/
    GET clients/<client_id>/fundings/ | POST clients/<client_id>/fundings/
    GET clients/<client_id>/fundings/<funding_id>/ | GET clients/<client_id>/refunds/
    GET clients/<client_id>/credits/ | GET clients/<client_id>/disputes/
    POST clients/<client_id>/refunds/ | GET clients/<client_id>/statement/ | GET jobs/<job_id>/tasks/
    POST jobs/<job_id>/predictions/ | GET jobs/<job_id>/predictors/ | POST jobs/<job_id>/priorities/
    GET jobs/<job_id>/automation/ | GET jobs/<job_id>/what-if/ | GET jobs/<job_id>/fits/
    GET jobs/<job_id>/certificate/ | POST jobs/<job_id>/certificate/ | GET jobs/<job_id>/certificate/file/
    GET jobs/<job_id>/agreement/ | GET jobs/<job_id>/functions/ | POST jobs/<job_id>/functions/
    DELETE jobs/<job_id>/functions/<function_id>/ | GET jobs/<job_id>/functions/trial/
    POST jobs/<job_id>/functions/predictions/
    POST jobs/<job_id>/tasks/ | GET jobs/<job_id>/estimate/ | GET clients/<client_id>/trace/<subject>/
    GET clients/<client_id>/statements/<month>/ | GET clients/<client_id>/statements/<month>/csv/
    GET clients/<client_id>/spending/ | GET clients/<client_id>/invoices/ | POST clients/<client_id>/invoices/
    GET clients/<client_id>/invoices/<invoice_id>/ | GET clients/<client_id>/invoices/<invoice_id>/pdf/
    POST jobs/<job_id>/launch/ | POST jobs/<job_id>/pause/
    POST jobs/<job_id>/resume/ | POST jobs/<job_id>/cancel/ | GET jobs/<job_id>/versions/
    POST jobs/<job_id>/versions/ | GET jobs/<job_id>/shares/
    DELETE jobs/<job_id>/shares/<share_id>/ | GET jobs/<job_id>/assignments/ | POST jobs/<job_id>/acceptances/
    GET jobs/<job_id>/media/ | POST jobs/<job_id>/media/ | POST jobs/<job_id>/media/fetch/
    GET jobs/<job_id>/media/<media_id>/ | DELETE jobs/<job_id>/media/<media_id>/
    POST jobs/<job_id>/media/<media_id>/withdraw/
    GET jobs/<job_id>/gold/ | POST jobs/<job_id>/gold/<gold_question_id>/recall/
    POST jobs/<job_id>/escrow/ | POST jobs/<job_id>/overlap/ | POST jobs/<job_id>/recall/ | POST jobs/<job_id>/reprice/
    GET clients/<client_id>/fees/ | GET assignments/<assignment_id>/bonuses/
    POST assignments/<assignment_id>/bonuses/
    GET jobs/<job_id>/results/ | GET jobs/<job_id>/statement/ | GET assignments/<assignment_id>/
    POST assignments/<assignment_id>/accept/ | POST assignments/<assignment_id>/reject/
    POST assignments/<assignment_id>/reject-softly/ | POST assignments/<assignment_id>/reverse/
"""
"""To everybody else it does not exist."""

OPEN: Final = """
    GET skills/<skill_id>/ | GET skills/<skill_id>/prospect/ | GET label-schemas/<label_schema_id>/ | GET jobs/<job_id>/
    GET pay-floors/
"""
"""Open by design: skills, label schemas, floors of pay, and running jobs as workers are offered them."""

OWN: Final = """
    GET me/ | GET api-keys/ | POST api-keys/ | GET earnings/ | GET earnings/statement/
    GET earnings/statements/<month>/ | GET earnings/statements/<month>/csv/ | GET payouts/ | POST payouts/
    GET payouts/at-the-bank/ | GET payout-schedule/ | PUT payout-schedule/
    GET payout-account/ | POST payout-account/ | POST payout-account/change/ | GET applications/ | POST applications/
    GET workers/me/ | PUT workers/me/tax-id/ | GET skills/ | POST label-schemas/check/ | GET exams/ | POST exams/
    GET certifications/ | POST certifications/ | GET scores/me/ | GET clients/ | POST clients/ | GET jobs/
    POST jobs/ | GET assignments/ | POST assignments/ | GET sessions/ | GET second-factors/
    POST session/step-up/begin/ | POST session/step-up/ | POST second-factors/totp/begin/ | POST second-factors/totp/
    POST second-factors/webauthn/begin/ | POST second-factors/webauthn/ | POST second-factors/recovery-codes/
    POST me/email/ | POST me/email-confirmation/ | GET invitations/ | GET signals/me/
"""
"""About whoever asks: what their answers hold is their own."""

NOT_SENT: Final = """
    POST users/ | POST session/ | DELETE session/ | POST session/second-factor/ | POST payout-account/onboarding-link/
    POST email-confirmations/ | POST password-resets/ | POST password-resets/completion/ | PUT me/password/
    POST admin-invitations/redeem/
"""
"""Nothing in them can name another's."""

FOR_ALL_TO_SEE: Final = {"job_id", "skill_id", "label_schema_id", "month", "year"}


def operations(patterns: list[Any] | None = None, prefix: str = "") -> Iterator[tuple[str, str, type[ApiView]]]:
    """Each operation of the API: method, address, view."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from operations(pattern.url_patterns, address)
        elif isinstance(pattern, URLPattern) and issubclass(getattr(pattern.callback, "cls", object), ApiView):
            view = pattern.callback.cls  # type: ignore[attr-defined]  # set by as_view
            yield from ((method, address, view) for method in METHODS if hasattr(view, method))


OPERATIONS: Final = {
    f"{method.upper()} {re.sub('<[a-z]+:', '<', address.removeprefix('api/v1/'))}": (method, address, view)
    for method, address, view in operations()
}


def address_of(name: str, ids: dict[str, Any]) -> str:
    """Where the operation is, with these ids."""
    return "/" + re.sub(r"<[a-z]+:(\w+)>", lambda found: str(ids[found[1]]), OPERATIONS[name][1])


def ask(person: Person, name: str, ids: dict[str, Any], *, query: str = "") -> tuple[int, str]:
    """Send the operation with these ids in its address and its body; the status and the text of the answer."""
    method, _, view = OPERATIONS[name]
    path = address_of(name, ids) + query
    content_type, body = "application/json", body_for(person, getattr(view, method).body, ids)
    if issubclass(view, UploadView) and method == "post":
        content_type, body = "application/x-ndjson", '{"item": {"text": "Mine"}}\n'
    answer: Any = person.http.generic(method.upper(), path, body, content_type=content_type)
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer.status_code, content.decode(errors="replace")  # a PDF is no text


def body_for(person: Person, declared: Any, ids: dict[str, Any]) -> str:
    """The example of the body, about the other's ids and in favour of who sends it."""
    if declared is None:
        return ""
    named = {name.removesuffix("_id"): str(value) for name, value in ids.items()}
    filled = {**named, "email": person.user.email if person.user else "", "result": an_answer("dog")}
    body = {**(declared.EXAMPLE or {}), **{k: v for k, v in filled.items() if k in (declared.EXAMPLE or {})}}
    return json.dumps(body)


def named(table: str) -> list[str]:
    return [name for line in table.splitlines() for name in map(str.strip, line.split("|")) if name]


def secrets_of(side: Side) -> set[str]:
    """The ids that only this side may be shown. Some are small numbers, found in any text by chance."""
    return {str(value) for name, value in side.ids.items() if name not in FOR_ALL_TO_SEE | {"share_id", "factor_id"}}


def test_every_operation_stands_in_one_table() -> None:
    tables = [named(table) for table in (ADMINS, WORKERS, PRIVATE, OPEN, OWN, NOT_SENT)]
    assert sorted(name for table in tables for name in table) == sorted(OPERATIONS)
    assert not any("_id>" in name for name in named(OWN))


def test_what_is_anothers_is_neither_shown_nor_changed() -> None:  # [B106, B107, B110, B111]
    one, other = a_side(), a_side()
    expected = {
        **dict.fromkeys(named(ADMINS), (403, 403)),
        **dict.fromkeys(named(WORKERS), (403, 404)),
        **dict.fromkeys(named(PRIVATE), (404, 404)),
    }
    answered = {name: (ask(other.owner, name, one.ids)[0], ask(other.worker, name, one.ids)[0]) for name in expected}
    assert answered == expected

    for name in [*named(OPEN), *named(OWN)]:
        for person in (other.owner, other.worker):
            status, text = ask(person, name, one.ids)
            assert status < 500, name
            assert not [secret for secret in secrets_of(one) if secret in text], name

    people = [str(person.user.pk) for person in (other.owner, other.worker) if person.user]
    touched = set(AuditEvent.objects.filter(actor_id__in=people).values_list("subject_id", flat=True))
    assert touched & {str(value) for value in one.ids.values()} == set()


NESTED: Final = [name for name in OPERATIONS if name.count("_id>") == 2 and name not in named(ADMINS)]


@pytest.mark.parametrize("name", NESTED)
def test_ones_own_address_does_not_lead_to_what_is_anothers(name: str) -> None:  # [B107]
    one, other = a_side(), a_side()
    inner = re.findall(r"<(\w+)>", name)[1]
    assert ask(other.owner, name, {**other.ids, inner: one.ids[inner]})[0] == 404
    assert ask(one.owner, name, one.ids)[0] in (200, 201, 204)


def test_a_list_asked_about_what_is_anothers_shows_nothing_of_it() -> None:  # [B106, B115]
    one, other = a_side(), a_side()
    asked = []
    for name in named(OWN):
        method, _, view = OPERATIONS[name]
        query = getattr(view, method).query if method == "get" else None
        for parameter, field in query().fields.items() if query else ():
            if isinstance(field, UUIDField):
                asked.append(f"{name}?{parameter}")
                for person in (other.owner, other.worker):
                    status, text = ask(person, name, one.ids, query=f"?{parameter}={one.ids[f'{parameter}_id']}")
                    assert status in (200, 400), name
                    assert not [secret for secret in secrets_of(one) if secret in text], name
    assert asked == [
        "GET certifications/?skill",
        "GET certifications/?worker",
        "GET jobs/?client",
        "GET assignments/?job",
    ]
