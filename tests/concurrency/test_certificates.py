"""Sweeps that begin and issue certificates, and experts who decide inspections, all at the same instant."""

from collections.abc import Callable
from functools import partial

import pytest

from kernel.models import AuditEvent
from marketplace.models import Certificate, Inspection
from marketplace.services.certificate_making import make_certificates
from marketplace.services.certificates import decide_inspection
from marketplace.services.checks import check_invariants
from tests.concurrency.crowd import at_once
from tests.marketplace.test_certificate_orders import an_ordered_job, label
from tests.marketplace.test_certificates import decide_all
from tests.qualification.builders import a_user, an_answer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def test_a_certificate_is_begun_and_issued_once_and_experts_are_never_in_the_way() -> None:
    terms = {"target_basis_points": 9000, "assurance_basis_points": 9000}
    label(an_ordered_job(tasks=20, **terms), *["cat"] * 20)

    assert sorted(at_once([make_certificates] * 4), key=str) == [0, 0, 0, 1]

    waiting = Inspection.objects.filter(found_at=None).values_list("escalation_id", flat=True)
    calls: list[Callable[[], object]] = [
        partial(decide_inspection, escalation_id=each, result=an_answer("cat"), note="", by=a_user(is_staff=True))
        for each in list(waiting)
    ]
    calls += [make_certificates] * 3
    outcomes = at_once(calls)
    assert [each for each in outcomes if isinstance(each, Exception)] == []
    assert Inspection.objects.exclude(found_at=None).count() == 5

    certificate = Certificate.objects.get()
    decide_all(certificate, "cat")
    assert [each for each in at_once([make_certificates] * 4) if isinstance(each, Exception)] == []
    events = AuditEvent.objects.filter(action__startswith="certificate.").order_by("at", "id")
    assert [event.action.rpartition(".")[2] for event in events] == ["ordered", "begun", "issued"]
    assert check_invariants() == []
