"""A client with its owner, and a worker in its job: with something of everything that has an id in the API."""

from dataclasses import dataclass
from typing import Any

from billing.models import Funding, StripeMovement
from billing.services.credits import grant_credit
from billing.services.payouts import request_payout
from billing.services.refunds import request_refund
from kernel import clock
from kernel.models import ApiKey, AuditEvent, User
from kernel.money import Money
from kernel.months import SETTLES_FOR, month_of
from kernel.services.admin_invitations import invite_admin
from kernel.services.audit import Actor
from kernel.services.media import add_media
from marketplace.models import Escalation, Task
from marketplace.services.certificate_orders import CertificateTerms, order_certificate
from marketplace.services.escalations import open_escalation
from marketplace.services.invitations import invite_member
from marketplace.services.invoicing import issue_invoice
from marketplace.services.labeling_functions import define_function
from marketplace.services.settlement import settle_all
from qualification.models import Certification
from tests.billing.builders import a_ready_account
from tests.kernel.people import an_app_of, made_admin, token_of
from tests.kernel.pictures import a_picture
from tests.marketplace.api_people import Person
from tests.marketplace.builders import (
    a_client,
    a_member,
    a_share,
    a_submitted_answer,
    a_told_signal,
    a_worker,
    an_open_job,
    owner_of,
)
from tests.qualification.builders import a_skill, a_started_exam, a_user

PASSWORD = "long enough, surely"


@dataclass(frozen=True)
class Side:
    """An owner and a worker, and the ids of all that is theirs, by the names that addresses and bodies give them."""

    owner: Person
    worker: Person
    ids: dict[str, Any]


def a_side() -> Side:
    """A client with a running job, and a worker who was paid for one answer in it and waits for the next."""
    client = a_client(owner=a_user())
    job = an_open_job(client=client, tasks=3, gold=1, gold_share_basis_points=0, overlap_min=1, reward_minor=300)
    owner, worker = owner_of(client), a_worker(job)
    paid = a_submitted_answer(job, worker=worker)
    settle_all(ids=[paid.pk], by=Actor.user(owner))
    answered = a_submitted_answer(job, worker=worker)
    member = a_member(client)
    share = a_share(job)
    invitation = invite_member(client=client, email=worker.user.email, role="member", by=owner)
    (refund,) = request_refund(client_owner=client.billing_owner, amount=Money(100, "USD"), by=Actor.user(owner))
    credit = grant_credit(
        client_owner=client.billing_owner, amount=Money(50, "USD"), reason="To test.", by=Actor.system("test")
    )
    movement = StripeMovement.objects.create(
        stripe_id=f"txn_{client.pk}",
        kind="payout",
        category="payout",
        amount_minor=-1,
        fee_minor=0,
        currency="USD",
        moved_at=clock.now(),
    )
    a_ready_account(worker.billing_owner)
    payout = request_payout(owner=worker.billing_owner, amount=Money(300, "USD"), by=Actor.user(worker.user))
    media, _ = add_media(owner=job.media_owner, payer=client.media_payer, name="one.png", sent=a_picture(), by=owner)
    month = month_of(clock.now())
    with clock.ahead_by(month.ends_at + SETTLES_FOR - clock.now()):
        invoice, _ = issue_invoice(client=client, month=month, currency="USD", by=Actor.user(owner))
    order_certificate(job_id=job.pk, terms=CertificateTerms(), by=owner)
    rule = {"kind": "keyword", "field": "text", "words": ["text"], "label": "cat"}
    function = define_function(job_id=job.pk, name="any text", rule=rule, by=Actor.user(owner))
    ids = {
        "function_id": function.pk,
        "client_id": client.pk,
        "invoice_id": invoice.pk,
        "member_id": member.pk,
        "funding_id": Funding.objects.get(client_owner=client.billing_owner).pk,
        "refund_id": refund.pk,
        "credit_id": credit.pk,
        "movement_id": movement.pk,
        "job_id": job.pk,
        "share_id": share.pk,
        "media_id": media.pk,
        "task_id": answered.task_id,
        "assignment_id": answered.pk,
        "invitation_id": invitation.pk,
        "admin_invitation_id": invite_admin(roles=["auditor"], by=Actor.system("test"))[0].pk,
        "escalation_id": open_escalation(
            kind=Escalation.Kind.FAILED_PAYOUT,
            by=Actor.system("test"),
            why="",
            worker_id=worker.pk,
            job=job,
            subject=f"payout:{payout.pk}",
        ).pk,
        "signal_id": a_told_signal(job, worker).pk,
        "worker_id": worker.pk,
        "application_id": worker.application_id,
        "payout_id": payout.pk,
        "exam_id": a_started_exam(worker, a_skill()).pk,
        "certification_id": Certification.objects.get(worker=worker).pk,
        "skill_id": job.skill_id,
        "label_schema_id": job.versions.get().label_schema_id,
        "audit_event_id": AuditEvent.objects.filter(subject_id=str(job.pk)).latest("id").pk,
        "subject": f"assignment:{paid.pk}",
        "month": month,
        "year": month.year - 1,
        "gold_question_id": Task.objects.get(job=job, gold_question__isnull=False).gold_question_id,
    }
    people = (in_person(owner), in_person(worker.user))
    admin = made_admin(a_user(), "auditor")
    keys = ApiKey.objects.filter(user=worker.user)
    factor = an_app_of(worker.user)
    more = {"api_key_id": keys.get().pk, "user_id": worker.user.pk, "factor_id": factor.id}
    return Side(*people, ids={**ids, **more, "admin_role_id": admin.admin_roles.get().pk})


def in_person(user: User) -> Person:
    """The user at the API, signed in with a session; an API key of theirs is there too."""
    person = Person(user)
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    person.http.credentials(HTTP_AUTHORIZATION=f"Bearer {token_of(user)}")
    return person
