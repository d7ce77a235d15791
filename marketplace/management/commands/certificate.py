"""`manage.py certificate …`: begin one for a job, see how far it is, issue it, check one that somebody hands in."""

from argparse import ArgumentParser, BooleanOptionalAction
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from kernel import strict_json
from kernel.checkpoints import PublicKey, WrongNote, read_note
from kernel.errors import NotFound, Refused
from kernel.services.audit import Actor
from kernel.services.audit_log import trusted_keys
from marketplace.models import Certificate
from marketplace.services.certificates import KIND, begin_certificate, evidence_of, issue_certificate
from qualification.statistics.certificates.course import Terms
from qualification.statistics.certificates.evidence import Promise, WrongCertificate, check

BY: Final = Actor.system("certificate_command")


class Command(BaseCommand):
    """The four steps; experts do theirs as escalations of the kind `inspection`."""

    help = "Certificates of a job's labels: begin, status, issue, verify."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
        begin = steps.add_parser("begin", help="Draw the first labels that experts are to look at.")
        begin.add_argument("job", type=UUID)
        begin.add_argument("--target", type=float, default=0.95, help="share of right labels, default 0.95")
        begin.add_argument("--assurance", type=float, default=0.95, help="how sure it must be, default 0.95")
        begin.add_argument(
            "--per-class", action=BooleanOptionalAction, default=True, help="promise it of each class, or only of all"
        )
        status = steps.add_parser("status", help="Tell what can be promised so far.")
        status.add_argument("job", type=UUID)
        issue = steps.add_parser("issue", help="Write the certificate, signed, if it has been earned.")
        issue.add_argument("job", type=UUID)
        issue.add_argument("--out", type=Path, metavar="FILE", help="write it there instead of printing it")
        verify = steps.add_parser("verify", help="Check a certificate: its signature, and that it follows.")
        verify.add_argument("file", type=Path)
        verify.add_argument(
            "--key", action="append", default=[], help="a public key to trust instead of those of this installation"
        )

    def handle(self, *, step: str, **options: Any) -> None:
        try:
            getattr(self, f"_{step}")(**options)
        except (Refused, NotFound) as refusal:
            raise CommandError(refusal.message) from refusal

    def _begin(self, *, job: UUID, target: float, assurance: float, per_class: bool, **options: Any) -> None:
        try:
            terms = Terms(target, assurance)
        except ValueError as error:
            raise CommandError(str(error)) from error
        certificate = begin_certificate(job_id=job, terms=terms, per_class=per_class, by=BY)
        self.stdout.write(f"Certificate {certificate.pk} is in the making.")
        self._tell(evidence_of(certificate).promises())

    def _status(self, *, job: UUID, **options: Any) -> None:
        certificate = _newest(job)
        waiting = certificate.inspections.filter(found_at=None).count() if certificate.issued_at is None else 0
        self.stdout.write(f"Certificate {certificate.pk}: {waiting} inspections wait for experts.")
        self._tell(evidence_of(certificate).promises())

    def _issue(self, *, job: UUID, out: Path | None, **options: Any) -> None:
        certificate = issue_certificate(certificate_id=_newest(job).pk, by=BY)
        if out is None:
            self.stdout.write(certificate.note, ending="")
        else:
            out.write_text(certificate.note, encoding="utf-8", newline="\n")
            self.stdout.write(f"Written to {out}.")

    def _verify(self, *, file: Path, key: list[str], **options: Any) -> None:
        try:
            trusted = [PublicKey.read(one) for one in key] if key else trusted_keys()
            text = read_note(file.read_bytes().decode(), trusted=trusted)
            written = strict_json.loads(text)
            if not isinstance(written, dict) or written.get("kind") != KIND:
                raise CommandError(f"{file} is signed, but it is no certificate of a job's labels.")
            evidence = check(written["evidence"])
            job, issued_at = written["job"], written["issued_at"]
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except (WrongNote, WrongCertificate, ValueError, KeyError) as fault:
            raise CommandError(f"{file} does not hold: {fault}") from fault
        looks = sum(len(one.looks) for one in evidence.classes)
        self.stdout.write(
            f"Signed and sound: job {job}, issued {issued_at}, resting on {looks} inspections. "
            f"Each of these holds, all together with {evidence.terms.assurance:.1%} assurance:"
        )
        self._tell(evidence.promises())

    def _tell(self, promises: list[Promise]) -> None:
        for one in promises:
            about = f"that say {one.label}" if one.label else "of all classes"
            self.stdout.write(f"  {one.labels} labels {about}: at least {one.right_at_least:.2%} right")


def _newest(job: UUID) -> Certificate:
    certificate = Certificate.objects.filter(job_id=job).order_by("-begun_at", "-id").first()
    if certificate is None:
        raise CommandError(f"No certificate of the job {job} was begun. Run: manage.py certificate begin {job}")
    return certificate
