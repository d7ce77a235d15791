"""`manage.py certificate …`: begin one for a job, see how far it is, issue it, check one that somebody hands in."""

from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from kernel import strict_json
from kernel.checkpoints import PublicKey, WrongNote, read_note
from kernel.errors import NotFound, Refused
from kernel.services.audit import Actor
from kernel.services.audit_log import trusted_keys
from marketplace.models import Certificate, Task
from marketplace.services.certificates import KIND, begin_certificate, evidence_of, issue_certificate
from qualification.labels.results import Answer
from qualification.statistics.certificates.course import Terms
from qualification.statistics.certificates.evidence import Evidence, WrongCertificate, check, hash_of_labels

BY: Final = Actor.system("certificate_command")


def public_key(written: str) -> PublicKey:
    """A key as `GET jobs/{id}/certificate/` shows it."""
    try:
        return PublicKey.read(written)
    except ValueError:
        raise ArgumentTypeError(f"{written!r} is no public key, such as assay.example.org+5e1a2b3c+AbC….") from None


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
        status = steps.add_parser("status", help="Tell how far it is, and what can be promised so far.")
        status.add_argument("job", type=UUID)
        issue = steps.add_parser("issue", help="Write the certificate, signed, if it has been earned.")
        issue.add_argument("job", type=UUID)
        issue.add_argument("--out", type=Path, metavar="FILE", help="write it there instead of printing it")
        verify = steps.add_parser("verify", help="Check a certificate: its signature, and that it follows.")
        verify.add_argument("file", type=Path)
        verify.add_argument(
            "--key",
            action="append",
            type=public_key,
            default=[],
            help="a public key to trust instead of those of this installation",
        )
        verify.add_argument(
            "--results", type=Path, metavar="FILE", help="the job's results as downloaded: is it about these labels?"
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
        self._tell(evidence_of(certificate))

    def _status(self, *, job: UUID, **options: Any) -> None:
        certificate = _newest(job)
        if certificate.issued_at is None:
            waiting = certificate.inspections.filter(found_at=None).count()
            told = f"begun {certificate.begun_at:%Y-%m-%d %H:%M} UTC; {waiting} inspections wait for experts."
        else:
            told = f"issued {certificate.issued_at:%Y-%m-%d %H:%M} UTC."
        self.stdout.write(f"Certificate {certificate.pk}: {told}")
        self._tell(evidence_of(certificate))

    def _issue(self, *, job: UUID, out: Path | None, **options: Any) -> None:
        certificate = issue_certificate(certificate_id=_newest(job).pk, by=BY)
        if out is None:
            self.stdout.write(certificate.note, ending="")
        else:
            out.write_text(certificate.note, encoding="utf-8", newline="\n")
            self.stdout.write(f"Written to {out}.")

    def _verify(self, *, file: Path, key: list[PublicKey], results: Path | None, **options: Any) -> None:
        try:
            trusted = key or trusted_keys()
            text = read_note(file.read_bytes().decode(), trusted=trusted)
            written = strict_json.loads(text)
            if not isinstance(written, dict) or written.get("kind") != KIND:
                raise CommandError(f"{file} is signed, but it is no certificate of a job's labels.")
            evidence = check(written["evidence"])
            job, issued_at, of_labels = written["job"], written["issued_at"], written["labels_sha256"]
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except KeyError as missing:
            raise CommandError(f"{file} does not hold: it lacks {missing}.") from missing
        except (WrongNote, WrongCertificate, ValueError) as fault:
            raise CommandError(f"{file} does not hold: {fault}") from fault
        looks = sum(len(one.looks) for one in evidence.classes)
        self.stdout.write(
            f"Signed and sound: job {job}, issued {issued_at}, resting on {looks} inspections. "
            f"Each of these holds, all together with {evidence.terms.assurance:.1%} assurance:"
        )
        self._tell(evidence)
        if results is not None:
            if _hash_of(results) != of_labels:
                raise CommandError(f"{file} is about other labels than those in {results}.")
            self.stdout.write(f"The labels in {results} are those that it is about.")

    def _tell(self, evidence: Evidence) -> None:
        for one in evidence.promises():
            lacks = "" if one.is_kept else f" so far; {evidence.terms.target:.2%} is asked for"
            self.stdout.write(f"  {one.in_words}{lacks}")


def _hash_of(results: Path) -> str:
    """The hash of the labels in results as they are downloaded, by ascending id of their tasks."""
    try:
        with results.open("rb") as lines:
            return hash_of_labels(sorted(_labels_in(lines)))
    except OSError as error:
        raise CommandError(f"{results} cannot be read: {error.strerror}.") from error
    except ValueError as fault:
        raise CommandError(f"{results} cannot be compared. {fault}") from fault


def _labels_in(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines, start=1):
        try:
            row: Any = strict_json.loads(line)
            task, state, is_withheld, label = row["task"], row["state"], row["withheld"], row["label"] or []
            said = {region["from_name"]: region["value"]["choices"] for region in label}
        except (ValueError, KeyError, TypeError) as fault:
            raise ValueError(f"Line {number} is no line of a job's results about choices.") from fault
        if is_withheld:
            raise ValueError(f"The label in line {number} is withheld. Download the results when its answers are paid.")
        if state == Task.State.RESOLVED:
            yield str(task), Answer.of(said).key


def _newest(job: UUID) -> Certificate:
    certificate = Certificate.objects.filter(job_id=job).order_by("-begun_at", "-id").first()
    if certificate is None:
        raise CommandError(f"No certificate of the job {job} was begun. Run: manage.py certificate begin {job}")
    return certificate
