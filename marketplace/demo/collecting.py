"""From a story that has been played to its outcome: everything is read back over the API, as its people would."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from marketplace.demo import outcome
from marketplace.demo.outcome import Outcome
from marketplace.demo.people_at_work import WorkerAtWork
from marketplace.demo.story import TERMS, Story
from marketplace.demo.task_shape import external_id

FULL_OVERLAP = 5


def outcome_of(story: Story, *, checks: Mapping[str, int], restarts: Mapping[str, int]) -> Outcome:
    """What ``story`` came to, with the faults that each named check found, and the restarts of each process."""
    job, results = story.client.job(), story.client.results()
    books = story.admin.api.get("/api/v1/books/")["books"][0]
    return Outcome(
        title="Assay: one job, from post to payout",
        about_the_crowd=(
            f"The crowd of {len(story.workers)} workers is simulated, and so are client and admin. The pictures, the "
            "platform, its database and queue and every request are real. Stripe is the project's own double."
        ),
        labels=_labels(story, results, job),
        groups=_groups(story),
        money=outcome.Money(
            currency=books["currency"],
            funded=books["funded_minor"],
            available=books["client_funds_minor"],
            held=books["job_escrow_minor"],
            earnings=books["worker_earnings_minor"],
            paid_out=books["paid_out_minor"],
            in_flight=books["payouts_in_flight_minor"] + books["refunds_in_flight_minor"],
            fees=books["platform_fees_minor"],
            processor_fees=books["processor_fees_minor"],
            losses=books["loss_minor"],
            refunded=books["refunded_minor"],
        ),
        reward_minor=int(str(TERMS["reward_minor"])),
        fee_minor=job["fee_minor"],
        payouts_settled=sum(state == "settled" for state in story.payouts.values()),
        payouts_asked=len(story.payouts),
        rejected=len(story.client.rejected),
        reversed=story.client.reversed,
        decided=story.admin.escalations("decided"),
        waiting=story.admin.escalations("open", "claimed"),
        checks=checks,
        restarts=restarts,
        seconds=story.seconds,
    )


def _labels(story: Story, results: list[Any], job: Any) -> outcome.Labels:
    truth = {external_id(digit): str(digit.label) for digit in story.digits}
    decided = [line for line in results if line["method"] == "consensus"]
    adjudicated = [line for line in results if line["method"] == "adjudication"]
    answers = sum(1 for line in results for answer in line["answers"] if answer["submitted_at"])
    gold = sum(worker.answers for worker in story.workers) - answers
    return outcome.Labels(
        tasks=len(results),
        by_consensus=len(decided),
        adjudicated=len(adjudicated),
        answers=answers,
        gold_answers=gold,
        full_overlap=FULL_OVERLAP,
        judged=len(decided),
        consensus_right=_mean([line["value"] == truth[line["external_id"]] for line in decided]),
        majority_right=_mean([line["majority"]["value"] == truth[line["external_id"]] for line in decided]),
        all_right=_mean([line["value"] == truth[line["external_id"]] for line in results]),
        mean_confidence=_mean([line["confidence"] for line in decided]),
    )


def _groups(story: Story) -> list[outcome.Group]:
    flagged = flagged_emails(story)
    by_persona: dict[str, list[WorkerAtWork]] = defaultdict(list)
    for worker in story.workers:
        by_persona[worker.simulated.persona.value].append(worker)
    return [
        outcome.Group(
            name=persona,
            workers=len(workers),
            certified=sum(worker.certified for worker in workers),
            flagged=sum(worker.simulated.email in flagged for worker in workers),
            answers=sum(worker.answers for worker in workers),
            accuracy=_weighted(workers),
            paid_minor=sum(worker.earned() for worker in workers if worker.certified),
        )
        for persona, workers in by_persona.items()
    ]


def flagged_emails(story: Story) -> set[str]:
    """Workers whose score fell so far that an admin had to look at their certification."""
    requests = story.admin.api.every("/api/v1/escalations/", kind="decertification")
    flagged = {request["worker"] for request in requests}
    return {w.simulated.email for w in story.certified if w.api.get("/api/v1/workers/me/")["id"] in flagged}


def _mean(values: list[Any]) -> float | None:
    return sum(values) / len(values) if values else None


def _weighted(workers: list[WorkerAtWork]) -> float | None:
    answers = sum(worker.answers for worker in workers)
    return sum(worker.simulated.accuracy * worker.answers for worker in workers) / answers if answers else None
