"""What is measured on: people through the services that people use, tasks by plain SQL where a million are needed."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from billing.models import LedgerAccount, Posting
from billing.services import ledger
from kernel.models import Session, User
from kernel.money import Money
from kernel.services.access import sign_in
from kernel.services.admin_roles import create_admin
from kernel.services.audit import Actor
from marketplace.models import Client, Job
from marketplace.queries import current_schema_of
from marketplace.services.clients import create_client
from marketplace.services.posting import Order, launch_job, post_job
from qualification.labels.results import validate_result
from qualification.models import Skill
from qualification.services.exams import answer_exam_question, finish_exam, start_exam
from qualification.services.gold import GoldRow, add_gold_questions
from qualification.services.schemas import register_schema
from qualification.services.skills import ExamRules, create_skill
from workforce.identity_data import IdentityData
from workforce.models import Worker
from workforce.services.applying import TERMS_VERSION, apply, approve_application

LABEL_SCHEMA: Final = """<View>
  <Text name="text" value="$text"/>
  <Choices name="animal" toName="text" required="true">
    <Choice value="cat"/>
    <Choice value="dog"/>
  </Choices>
</View>"""
QUESTIONS: Final = 10
PASSWORD: Final = "a long one for the benchmark"  # noqa: S105  (of an installation that is thrown away)
FUNDS_MINOR: Final = 10**12


@dataclass(frozen=True)
class Signed:
    """A certified worker who is signed in."""

    worker_id: UUID
    token: str


@dataclass(frozen=True)
class Scene:
    """Who takes part: a client with money, its owner who is signed in, and certified workers."""

    client: Client
    owner: User
    owner_token: str
    skill: Skill
    workers: tuple[Signed, ...]

    @property
    def worker_ids(self) -> list[UUID]:
        """Those of the workers."""
        return [signed.worker_id for signed in self.workers]


def answer_of(animal: str) -> list[dict[str, object]]:
    """An answer in Label Studio's result JSON."""
    return [{"from_name": "animal", "to_name": "text", "type": "choices", "value": {"choices": [animal]}}]


def set_scene(*, workers: int, tell: Callable[[str], None], fund: Callable[[Client], None] | None = None) -> Scene:
    """Sign everybody up, certify ``workers`` of them, and give a client money: a trillion, or as ``fund`` does."""
    admin = create_admin(email="admin@example.org", by=Actor.system("bench"))
    skill = create_skill(slug="animals", name="Animals", by=Actor.user(admin), exam=ExamRules(questions=QUESTIONS))
    known = [
        GoldRow(item={"text": f"It meows {n} times."}, result=answer_of("cat"), reason="Only cats meow.")
        for n in range(QUESTIONS)
    ]
    label_schema = register_schema(xml=LABEL_SCHEMA)
    add_gold_questions(skill=skill, label_schema=label_schema, rows=known, for_exam=True, by=Actor.user(admin))
    owner, owner_token = _person("owner")
    client = create_client(name="The benchmark's client", country="US", owner=owner)
    (fund or _fund)(client)
    signed = []
    for number in range(workers):
        tell(f"worker {number + 1} of {workers} signs up and sits the exam")
        signed.append(_worker(number, skill=skill, admin=admin))
    return Scene(client, owner, owner_token, skill, tuple(signed))


def an_open_job(scene: Scene, *, tasks: int, reward_minor: int = 4) -> Job:
    """An open job of so many tasks, each asked once: so every submit decides its task, the most that one can do."""
    job = a_draft(scene, reward_minor=reward_minor)
    _insert_tasks(job, tasks)
    return launch_job(job_id=job.pk, by=scene.owner)


def a_draft(scene: Scene, *, reward_minor: int = 4) -> Job:
    """A job without tasks."""
    order = Order(
        title="Animals",
        instructions="Say which animal the text is about.",
        label_schema=LABEL_SCHEMA,
        currency="USD",
        reward_minor=reward_minor,
        skill_id=scene.skill.pk,
        overlap_min=1,
        overlap_max=1,
        gold_share_basis_points=0,
        reservation_seconds=3600,
    )
    return post_job(client=scene.client, order=order, by=scene.owner)


def finish_some(job: Job, *, worker_ids: Sequence[UUID], share: float, waiting: float = 0.0) -> None:
    """Let this share of the job's tasks be claimed, answered and resolved, evenly by these workers.

    The answers are accepted, all but the ``waiting`` share, which waits for the client's review.
    """
    answer = validate_result(current_schema_of(job.pk), answer_of("cat"))
    given: dict[str, Any] = {
        "job": job.pk,
        "share": share,
        "waiting": waiting,
        "workers": list(worker_ids),
        "result": json.dumps(answer_of("cat")),
        "key": answer.key,
    }
    with transaction.atomic(), _unchecked() as cursor:
        for statement in _FINISH:
            cursor.execute(statement, given)


def settle_down() -> None:
    """Leave the tables as a running installation has them after a while: vacuumed, analysed, written out."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def keep_signed_in() -> None:
    """Let all sessions count as just used, and as confirmed, as they are while their people work."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {Session._meta.db_table} SET last_seen_at = now(), fresh_at = now()"  # noqa: S608  (our own name)
        )


def _person(name: str) -> tuple[User, str]:
    email = f"{name}@example.org"
    user = User.objects.create_user(email, PASSWORD, display_name=name)
    return user, sign_in(email=email, password=PASSWORD)[1]


def _worker(number: int, *, skill: Skill, admin: User) -> Signed:
    user, token = _person(f"worker{number}")
    identity = IdentityData(
        legal_name=f"Worker {number}", address="1 High Street", birth_date=date(1990, 1, 1), tax_id=""
    )
    application = apply(
        user=user, country="US", languages=["en"], identity=identity, terms_version=TERMS_VERSION, note=""
    )
    worker = approve_application(application_id=application.pk, by=Actor.user(admin))
    _certify(worker, skill)
    return Signed(worker.pk, token)


def _certify(worker: Worker, skill: Skill) -> None:
    exam = start_exam(worker=worker, skill_id=skill.pk)
    for position in range(1, QUESTIONS + 1):
        answer_exam_question(exam_id=exam.pk, worker=worker, position=position, result=answer_of("cat"))
    finish_exam(exam_id=exam.pk, worker=worker)


def _fund(client: Client) -> None:
    entry = ledger.Entry(
        ledger.AccountKey(LedgerAccount.Kind.OUTSIDE_WORLD, client.billing_owner),
        ledger.AccountKey(LedgerAccount.Kind.CLIENT_FUNDS, client.billing_owner),
        Money(FUNDS_MINOR, "USD"),
    )
    ledger.post(key="funding:bench", kind=Posting.Kind.FUNDING_SETTLED, subject=client.billing_owner, entries=[entry])


def _insert_tasks(job: Job, tasks: int) -> None:
    with transaction.atomic(), _unchecked() as cursor:
        cursor.execute(
            """
            INSERT INTO marketplace_task (id, job_id, external_id, item, priority, state, answer_key, method,
                                          majority_key, created_at)
            SELECT gen_random_uuid(), %s, 'text-' || n, jsonb_build_object('text', 'It meows ' || n || ' times a day.'),
                   5, 'open', '', '', '', now()
            FROM generate_series(1, %s) n
            """,
            [job.pk, tasks],
        )


@contextmanager
def _unchecked() -> Iterator[CursorWrapper]:
    """What is right by construction need not be checked row by row: a million foreign keys take minutes."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield cursor
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


_FINISH: Final = (
    """
    CREATE TEMPORARY TABLE done ON COMMIT DROP AS
    SELECT task.id AS task_id, gen_random_uuid() AS assignment_id, now() - random() * interval '10 days' AS at,
           (%(workers)s::uuid[])[1 + row_number() OVER () %% cardinality(%(workers)s::uuid[])] AS worker_id,
           random() < %(waiting)s AS waits
    FROM marketplace_task task WHERE task.job_id = %(job)s AND random() < %(share)s
    """,
    """
    INSERT INTO marketplace_assignment (id, task_id, job_id, worker_id, version_id, ordinal, lane, state,
        price_id, reward_minor, fee_minor, currency, claimed_at, expires_at, submitted_at, review_due_at, decided_at)
    SELECT done.assignment_id, done.task_id, job.id, done.worker_id, version.id, 1, 0,
        CASE WHEN waits THEN 'submitted' ELSE 'accepted' END,
        price.id, price.reward_minor, price.fee_minor, price.currency,
        at, at + interval '1 hour', at + interval '1 minute', at + interval '20 days',
        CASE WHEN waits THEN NULL ELSE at + interval '1 day' END
    FROM done, marketplace_job job JOIN marketplace_jobversion version ON version.job_id = job.id
    JOIN marketplace_price price
      ON price.job_id = job.id AND price.number = job.price_list
     AND price.band = 'standard' AND price.min_lower_bound = 0
    WHERE job.id = %(job)s
    """,
    """
    INSERT INTO marketplace_annotation (id, assignment_id, result, answer_key, seconds, late, submitted_at)
    SELECT gen_random_uuid(), assignment_id, %(result)s, %(key)s, 60, false, at FROM done
    """,
    """
    INSERT INTO kernel_auditevent (at, actor_kind, actor_id, action, subject_type, subject_id, from_state, to_state,
        why, details)
    SELECT at, 'user', worker_id, 'assignment.' || step, 'marketplace.assignment', assignment_id, '', step, '', '{}'
    FROM done, unnest(ARRAY['claimed', 'submitted', 'accepted']) step WHERE NOT (waits AND step = 'accepted')
    """,
    """
    UPDATE marketplace_task SET state = 'resolved', resolved_at = now(), label = %(result)s, confidence = 0.97,
        answer_key = %(key)s, majority_key = %(key)s, majority_share = 1, method = 'consensus'
    FROM done WHERE id = done.task_id
    """,
    "DELETE FROM marketplace_slot USING done WHERE marketplace_slot.task_id = done.task_id",
)
