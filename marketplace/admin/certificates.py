"""The console's sections about certificates and what they rest on."""

from django.contrib import admin
from django.db.models import Model

from kernel.admin import ReadOnlyAdmin
from marketplace.models import Certificate, CertificateOrder, Inspection
from marketplace.services.certificates import evidence_of


@admin.display(description="promise")
def promise(row: Model) -> str:
    """The share of labels that is to be right, and how sure that must be."""
    assert isinstance(row, Certificate | CertificateOrder)
    return f"{row.target_basis_points / 100:g}% right, {row.assurance_basis_points / 100:g}% sure"


@admin.register(Certificate)
class CertificateAdmin(ReadOnlyAdmin):
    """What is promised of jobs' labels, or will be."""

    list_display = ("job", promise, "begun_at", "issued_at")
    list_select_related = ("job",)
    search_fields = ("=id", "=job__id")
    ordering = ("-begun_at", "-id")
    readonly_fields = ("asked", "promises")
    exclude = ("classes", "target_basis_points", "assurance_basis_points")

    @admin.display(description="promise")
    def asked(self, certificate: Certificate) -> str:
        """What it is to say, or says."""
        return promise(certificate)

    @admin.display(description="what can be promised")
    def promises(self, certificate: Certificate) -> str:
        """Of the labels of each class, by the inspections so far."""
        return "\n".join(promised.in_words for promised in evidence_of(certificate).promises())


@admin.register(CertificateOrder)
class CertificateOrderAdmin(ReadOnlyAdmin):
    """What clients want certified, and what came of it."""

    list_display = ("job", promise, "per_class", "ordered_at", "certificate")
    list_select_related = ("job", "certificate")
    search_fields = ("=id", "=job__id")
    ordering = ("-ordered_at", "-id")


@admin.register(Inspection)
class InspectionAdmin(ReadOnlyAdmin):
    """Which labels experts look at, without what they say: who decides one must not know."""

    list_display = ("certificate", "position", "task", "drawn", "found_at")
    list_select_related = ("certificate", "task")
    search_fields = ("=certificate__id", "=task__id")
    exclude = ("label", "said_key", "found_key")
    ordering = ("certificate", "position", "id")
