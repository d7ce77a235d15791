"""How a job looks: to those who post it, and to a worker. Neither sees what is only the other's."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, PolymorphicProxySerializer, extend_schema_field

from kernel.api import fields
from kernel.api.serializers import In, Out
from marketplace.api.certificate_shapes import CertificateTermsIn, CertificateTermsOut
from marketplace.api.client_money import JOB_ID
from marketplace.api.clients import CLIENT_ID
from marketplace.api.unsure import UnsureIn
from marketplace.models import Assignment, Band, Job, Task
from marketplace.services.posting import Order
from marketplace.services.pricing import LARGEST_REWARD_MINOR
from qualification.api.label_schemas import DIGITS, PARTS
from qualification.api.own_fields import MarkupField
from qualification.api.skills import SKILL_ID

DEFAULTS = {name: known.default for name, known in Order.__dataclass_fields__.items()}


def _optional(name: str, about: str, **limits: Any) -> dict[str, Any]:
    return {"required": False, "help_text": f"{about} {DEFAULTS[name]} unless given.", **limits}


class RequirementIn(In):
    """A skill that is demanded of workers."""

    skill = fields.UUIDField()
    min_lower_bound = fields.FloatField(
        min_value=0, max_value=1, required=False, default=0.0, help_text="The lowest bound of the score, 0 to 1."
    )


class PriceIn(In):
    """Another reward for some turns: at tasks of a difficulty band, for workers from a score on."""

    band = fields.ChoiceField(choices=Band.choices, required=False, default=Band.STANDARD.value)
    min_lower_bound = fields.FloatField(
        min_value=0, max_value=1, required=False, default=0.0, help_text="For workers whose score is surely this high."
    )
    reward_minor = fields.MoneyMinorField(min_value=1, max_value=LARGEST_REWARD_MINOR)


class JobIn(UnsureIn):
    """A job to be posted. Shares and confidence are in basis points (hundredths of a percent), times in seconds."""

    EXAMPLE = {
        "client": CLIENT_ID,
        "title": "Handwritten digits",
        "instructions": "Each picture shows one digit. Choose the one that its writer most likely meant.",
        "label_schema": DIGITS,
        "currency": "USD",
        "reward_minor": 4,
        "skill": SKILL_ID,
        "overlap_min": 2,
        "overlap_max": 5,
        "confidence_basis_points": 9500,
        "requirements": [{"skill": SKILL_ID, "min_lower_bound": 0.7}],
        "prices": [{"band": "hard", "min_lower_bound": 0.9, "reward_minor": 6}],
    }
    client = fields.UUIDField(help_text="Who posts it and pays for it.")
    title = fields.LineField(max_length=200)
    instructions = fields.TextField(max_length=20_000, help_text="What workers are told.")
    label_schema = MarkupField(help_text="What they are asked: a Label Studio labeling config.")
    currency = fields.CurrencyField()
    reward_minor = fields.MoneyMinorField(
        min_value=1,
        max_value=LARGEST_REWARD_MINOR,
        help_text="Pay for one accepted answer, where `prices` say nothing else. The platform's fee comes on top.",
    )
    skill = fields.UUIDField(help_text="The skill that its gold measures and that weighs its answers. Always demanded.")
    overlap_min = fields.IntegerField(
        **_optional("overlap_min", "Answers that each task gets at least.", min_value=1, max_value=100)
    )
    overlap_max = fields.IntegerField(
        **_optional("overlap_max", "Answers that each task gets at most.", min_value=1, max_value=100)
    )
    confidence_basis_points = fields.IntegerField(
        **_optional("confidence_basis_points", "Confidence that resolves a task.", min_value=1, max_value=9999)
    )
    gold_share_basis_points = fields.IntegerField(
        **_optional(
            "gold_share_basis_points",
            "Share of turns that are hidden gold, where the job has gold.",
            min_value=0,
            max_value=5000,
        )
    )
    reservation_seconds = fields.IntegerField(
        **_optional("reservation_seconds", "How long a worker may hold a task.", min_value=10, max_value=86_400)
    )
    review_seconds = fields.IntegerField(
        **_optional("review_seconds", "How long one may review; silence accepts.", min_value=1, max_value=2_592_000)
    )
    accept_on_resolution = fields.BooleanField(
        required=False, help_text="Accept answers equal to the label as soon as there is one. True unless given."
    )
    max_assignments_per_worker = fields.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=1_000_000, help_text="No cap unless given."
    )
    reserve_basis_points = fields.IntegerField(
        min_value=0,
        max_value=10_000,
        required=False,
        help_text="Share of the most that the job can cost, in hundredths of a percent, that is set aside at launch to "
        "lift pay to the floor, where one holds. 1000 unless given.",
    )
    guess_seconds = fields.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=86_400,
        help_text="How long you guess that one answer takes; the estimate rests on it until there are answers.",
    )
    allowed_error_basis_points = fields.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=5000,
        help_text="The errors allowed among predictions that become labels without a person; none does unless given.",
    )
    audit_share_basis_points = fields.IntegerField(
        **_optional(
            "audit_share_basis_points",
            "Share of predicted tasks that people label alone, where predictions may become labels.",
            min_value=1,
            max_value=10_000,
        )
    )
    requirements = RequirementIn(many=True, required=False, help_text="What is demanded beside the skill itself.")
    prices = PriceIn(
        many=True,
        required=False,
        help_text="Rewards that differ. A band that is not named is paid as standard; below the lowest bound that is "
        "named, a band pays `reward_minor`.",
    )
    certificate = CertificateTermsIn(
        required=False,
        allow_null=True,
        help_text="Have experts certify the labels when all tasks have one, at no further cost. None unless given.",
    )


class RequirementOut(Out):
    """A skill that is demanded of workers."""

    skill = fields.UUIDField(source="skill_id")
    min_lower_bound = fields.FloatField()


class PriceOut(Out):
    """What a turn costs: at tasks of a band, taken by workers from a score on."""

    band = fields.ChoiceField(choices=Band.choices)
    min_lower_bound = fields.FloatField()
    reward_minor = fields.MoneyMinorField(help_text="Pay for one accepted answer.")
    fee_minor = fields.MoneyMinorField(help_text="The platform's fee for one accepted answer, on top.")


def _a_price(band: str, bound: float, reward: int, fee: int) -> dict[str, object]:
    return {"band": band, "min_lower_bound": bound, "reward_minor": reward, "fee_minor": fee}


class JobOut(Out):
    """A job, as those see it who post it."""

    EXAMPLE = {
        "id": JOB_ID,
        **{name: value for name, value in JobIn.EXAMPLE.items() if name not in ("instructions", "label_schema")},
        "requirements": [{"skill": SKILL_ID, "min_lower_bound": 0.7}],
        "state": "open",
        "prices": [
            _a_price("easy", 0.0, 4, 1),
            _a_price("standard", 0.0, 4, 1),
            _a_price("hard", 0.0, 4, 1),
            _a_price("hard", 0.9, 6, 1),
        ],
        "fee_minor": 1,
        "fee_basis_points": 2000,
        "fee_minimum_minor": 0,
        "gold_share_basis_points": 500,
        "reservation_seconds": 600,
        "review_seconds": 259200,
        "accept_on_resolution": True,
        "when_unsure": "escalate",
        "label_worth_minor": None,
        "max_assignments_per_worker": None,
        "guess_seconds": 12,
        "allowed_error_basis_points": None,
        "audit_share_basis_points": 1000,
        "reserve_basis_points": 1000,
        "certificate": CertificateTermsIn.EXAMPLE,
        "created_at": "2026-05-17T12:00:00Z",
        "awaits_since": None,
        "launched_at": "2026-05-17T13:00:00Z",
        "finished_at": None,
    }
    id = fields.UUIDField()
    client = fields.UUIDField(source="client_id")
    title = fields.LineField()
    state = fields.ChoiceField(choices=Job.State.choices)
    currency = fields.CurrencyField()
    reward_minor = fields.MoneyMinorField(help_text="Pay for one accepted answer at a standard task.")
    fee_minor = fields.MoneyMinorField(help_text="The platform's fee for one accepted answer, on top.")
    fee_basis_points = fields.IntegerField(help_text="The platform's share, fixed by the launch.")
    fee_minimum_minor = fields.MoneyMinorField(help_text="The least fee for one accepted answer.")
    prices = PriceOut(many=True, help_text="What is paid now, by band and score.")
    skill = fields.UUIDField(source="skill_id")
    overlap_min = fields.IntegerField()
    overlap_max = fields.IntegerField()
    confidence_basis_points = fields.IntegerField()
    when_unsure = fields.ChoiceField(choices=Job.WhenUnsure.choices)
    label_worth_minor = fields.MoneyMinorField(allow_null=True)
    gold_share_basis_points = fields.IntegerField()
    reservation_seconds = fields.IntegerField()
    review_seconds = fields.IntegerField()
    accept_on_resolution = fields.BooleanField()
    max_assignments_per_worker = fields.IntegerField(allow_null=True)
    guess_seconds = fields.IntegerField(allow_null=True)
    allowed_error_basis_points = fields.IntegerField(allow_null=True)
    audit_share_basis_points = fields.IntegerField()
    reserve_basis_points = fields.IntegerField()
    certificate = CertificateTermsOut(allow_null=True, help_text="What was ordered last to be promised of its labels.")
    requirements = RequirementOut(many=True)
    created_at = fields.DateTimeField()
    awaits_since = fields.DateTimeField(allow_null=True, help_text="Since when it waits for funds, if it does.")
    launched_at = fields.DateTimeField(allow_null=True)
    finished_at = fields.DateTimeField(allow_null=True)


class ParsedSchemaOut(Out):
    """What a labeling config says."""

    parts = fields.ListField(child=fields.ObjectField(), help_text="What is shown and asked, in order.")
    needs = fields.ObjectField(help_text="The fields of a task's item that it shows, each with what it is shown as.")


class ShownSchemaOut(Out):
    """What is shown and asked."""

    EXAMPLE = {"xml": DIGITS, "parsed": {"parts": PARTS, "needs": {"image": "Image"}}}
    xml = MarkupField(help_text="The labeling config as it was posted.")
    parsed = ParsedSchemaOut()


class ProgressOut(Out):
    """How far a job is."""

    EXAMPLE = {
        "tasks": {"open": 80, "resolved": 20, "in_adjudication": 0, "void": 0},
        "gold_tasks": 5,
        "answers": {"active": 3, "submitted": 12, "accepted": 43, "rejected": 0, "returned": 1, "expired": 2},
        "spent_minor": 215,
        "held_minor": 2410,
    }
    tasks = fields.DictField(
        child=fields.IntegerField(), help_text=f"How many are in each state: {', '.join(Task.State.values)}."
    )
    gold_tasks = fields.IntegerField(help_text="Tasks that only measure; they are in no other number but the answers.")
    answers = fields.DictField(
        child=fields.IntegerField(), help_text=f"Turns in each state: {', '.join(Assignment.State.values)}."
    )
    spent_minor = fields.MoneyMinorField(help_text="What the accepted answers cost, rewards and fees.")
    held_minor = fields.MoneyMinorField(help_text="What is still in escrow for the job.")


class JobDetailOut(JobOut):
    """A job with what it asks and how far it is, as those see it who post it."""

    EXAMPLE = {
        **JobOut.EXAMPLE,
        "held_up_because": "",
        "version": 1,
        "instructions": JobIn.EXAMPLE["instructions"],
        "label_schema": ShownSchemaOut.EXAMPLE,
        "progress": ProgressOut.EXAMPLE,
    }
    held_up_because = fields.TextField(help_text="What else holds it up while it waits, and what would help.")
    version = fields.IntegerField(help_text="Counts changes of instructions and label schema, from 1.")
    instructions = fields.TextField()
    label_schema = ShownSchemaOut()
    progress = ProgressOut()


class RefusalOut(Out):
    """Something that stands in the way."""

    reason = fields.LineField(help_text="For programs.")
    message = fields.LineField(help_text="For people: what is so, and what to do about it.")


class DemandOut(Out):
    """A skill that the job demands, and whether the worker has it."""

    skill = fields.UUIDField()
    skill_name = fields.LineField()
    min_lower_bound = fields.FloatField(help_text="The lowest bound of the score that is accepted.")
    is_met = fields.BooleanField()
    message = fields.LineField(help_text="What is lacking and what to do about it; empty when it is met.")


class OfferedPriceOut(Out):
    """What a turn at a task of a band pays whoever asks."""

    band = fields.ChoiceField(choices=Band.choices)
    reward_minor = fields.MoneyMinorField()


class OfferedJobOut(Out):
    """A job, as a worker sees it."""

    EXAMPLE = {
        "id": JOB_ID,
        "title": "Handwritten digits",
        "posted_by": "Museum of Handwriting",
        "state": "open",
        "currency": "USD",
        "reward_minor": 4,
        "prices": [
            {"band": "easy", "reward_minor": 4},
            {"band": "standard", "reward_minor": 4},
            {"band": "hard", "reward_minor": 6},
        ],
        "reservation_seconds": 600,
        "review_seconds": 259200,
        "instructions": JobIn.EXAMPLE["instructions"],
        "requirements": [
            {
                "skill": SKILL_ID,
                "skill_name": "Handwritten digits",
                "min_lower_bound": 0.7,
                "is_met": False,
                "message": "You are not certified for Handwritten digits. Take its exam.",
            }
        ],
        "claims": 0,
        "most_claims": None,
        "can_claim": False,
        "why_not": [
            {
                "reason": "not_certified",
                "message": "You are not certified for Handwritten digits. Take its exam.",
            }
        ],
    }
    id = fields.UUIDField()
    title = fields.LineField()
    posted_by = fields.LineField()
    state = fields.ChoiceField(choices=Job.State.choices)
    currency = fields.CurrencyField()
    reward_minor = fields.MoneyMinorField(
        help_text="What an accepted answer at a standard task pays you, fixed when it is claimed."
    )
    prices = OfferedPriceOut(many=True, help_text="What one pays you at tasks of each difficulty, if claimed now.")
    reservation_seconds = fields.IntegerField(help_text="How long a task may be held.")
    review_seconds = fields.IntegerField(help_text="After that time at the latest an answer is accepted or rejected.")
    instructions = fields.TextField()
    requirements = DemandOut(many=True)
    claims = fields.IntegerField(help_text="How many tasks of it one has claimed so far.")
    most_claims = fields.IntegerField(allow_null=True, help_text="How many one worker may claim.")
    can_claim = fields.BooleanField(help_text="Whether nothing stands in the way of a claim now.")
    why_not = RefusalOut(many=True, help_text="Everything that stands in the way, the first reason first.")


@extend_schema_field(
    PolymorphicProxySerializer(
        component_name="ListedJob", serializers=[JobOut, OfferedJobOut], resource_type_field_name=None, many=True
    )
)
class _JobsField(fields.ListField):
    pass


class JobsAsSeenOut(Out):
    """A page of jobs."""

    results = _JobsField()
    next_cursor = fields.LineField(allow_null=True)


def _example(name: str, value: dict[str, object]) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True)


JOBS_AS_SEEN = OpenApiResponse(
    JobsAsSeenOut,
    description="A page: jobs as those see them who post them, or open jobs as a worker sees them.",
    examples=[
        _example("To a client", {"results": [JobOut.EXAMPLE], "next_cursor": None}),
        _example("To a worker", {"results": [OfferedJobOut.EXAMPLE], "next_cursor": None}),
    ],
)
JOB_AS_SEEN = OpenApiResponse(
    PolymorphicProxySerializer("JobAsSeen", [JobDetailOut, OfferedJobOut], None),
    description="The job, as those see it who post it, or as a worker sees it.",
    examples=[_example("To a client", JobDetailOut.EXAMPLE), _example("To a worker", OfferedJobOut.EXAMPLE)],
)
