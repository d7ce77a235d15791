"""What a client asks for where a job's answers stay unsure, over HTTP."""

from kernel.api import fields
from kernel.api.serializers import In
from marketplace.models import Job
from marketplace.services.posting import LARGEST_WORTH_MINOR


class UnsureIn(In):
    """What becomes of tasks that stay unsure, and what a right label is worth."""

    when_unsure = fields.ChoiceField(
        choices=Job.WhenUnsure.choices,
        required=False,
        help_text="What becomes of a task that is not sure enough when no more answers are asked for: `escalate`, a "
        "person decides, or `resolve`, you get the label in front with its honest, lower confidence. `escalate` unless "
        "given.",
    )
    label_worth_minor = fields.MoneyMinorField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=LARGEST_WORTH_MINOR,
        help_text="What a right label is worth to you, in the job's currency. No further answer is bought that "
        "promises less than it costs.",
    )
