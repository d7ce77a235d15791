"""What is to be promised of a job's labels, as it is sent and shown."""

from kernel.api import fields
from kernel.api.serializers import In, Out
from marketplace.services.certificate_orders import LEAST_BASIS_POINTS, MOST_BASIS_POINTS


class CertificateTermsIn(In):
    """What is to be promised of a job's labels."""

    EXAMPLE = {"target_basis_points": 9500, "assurance_basis_points": 9500, "per_class": True}
    target_basis_points = fields.IntegerField(
        required=False,
        default=9500,
        min_value=LEAST_BASIS_POINTS,
        max_value=MOST_BASIS_POINTS,
        help_text="The share of labels that is to be right.",
    )
    assurance_basis_points = fields.IntegerField(
        required=False,
        default=9500,
        min_value=LEAST_BASIS_POINTS,
        max_value=MOST_BASIS_POINTS,
        help_text="How sure that must be.",
    )
    per_class = fields.BooleanField(
        required=False, default=True, help_text="Of the labels of each class, not only of all together."
    )


class CertificateTermsOut(Out):
    """What is to be promised of a job's labels."""

    target_basis_points = fields.IntegerField()
    assurance_basis_points = fields.IntegerField()
    per_class = fields.BooleanField()
