"""Labeling functions of a client: defined for a job, tried on its tasks, and together a voter like any other model."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from kernel import clock
from kernel.errors import Invalid, NotFound, Refused
from kernel.flow import WrongState
from kernel.rows import plan_anew
from kernel.services.audit import Actor, record
from kernel.text import clean_line
from marketplace.models import Job, LabelingFunction, Prediction, Predictor
from marketplace.queries import current_schema_of
from marketplace.services.posting import lock_job
from marketplace.services.prediction_intake import MOST_VERSIONS, Placed, PredictionIntake
from marketplace.services.prediction_rows import GivenPrediction
from marketplace.services.predictors import stop_predictor
from marketplace.services.slots import CHANCE
from qualification.labels.parts import ChoicesControl
from qualification.labels.results import Answer, to_result
from qualification.labels.schema import LabelSchema
from qualification.statistics.weak.functions import InvalidFunction, read_function

MOST_FUNCTIONS: Final = 50
MOST_TASKS: Final = 20_000
"""How many tasks one run looks at; what is left is for the next."""

MODEL: Final = "labeling functions"
"""What the predictor is called that they make together."""


class NoSingleChoice(Refused):
    """Labeling functions name one class; this job does not ask for one."""

    code = "no_single_choice"


class NothingToSay(Refused):
    """The job has no labeling functions, or they say nothing of any task that waits for its label."""

    code = "nothing_to_say"


@transaction.atomic
def define_function(*, job_id: UUID, name: str, rule: Mapping[str, Any], by: Actor) -> LabelingFunction:
    """A new function of a job that has not ended.

    Raises Invalid for what is no function of this job, NotFound, WrongState, or NoSingleChoice.
    """
    job = _locked(job_id)
    name = clean_line(name, what="name", field="name", longest=100)
    schema = current_schema_of(job.pk)
    question = question_of(schema)
    rule = {part: value for part, value in rule.items() if part != "name"}
    try:
        read_function({**rule, "name": name}, classes=question.labels)
    except InvalidFunction as error:
        raise Invalid(str(error), [{"field": "rule", "message": str(error)}]) from error
    if rule["kind"] != "score" and rule["field"] not in schema.fields_needed:
        there = ", ".join(schema.fields_needed)
        raise Invalid(f"{name}: items of this job have no field {rule['field']!r:.100}. They have: {there}.")
    active = functions_of(job.pk)
    if len(active) >= MOST_FUNCTIONS:
        raise Invalid(f"A job has up to {MOST_FUNCTIONS} labeling functions. Retire one first.")
    if any(each.name == name for each in active):
        raise Invalid(
            f"The job has a labeling function called {name} already. Retire it first, or choose another name."
        )
    function = LabelingFunction.objects.create(job=job, name=name, rule=rule)
    record(
        action="labelingfunction.defined",
        subject=function,
        by=by,
        details={"job": str(job.pk), "kind": str(rule["kind"])},
    )
    return function


@transaction.atomic
def retire_function(*, job_id: UUID, function_id: UUID, by: Actor) -> None:
    """Let a function say nothing more. What it has said with others stays until they say it anew. Raises NotFound."""
    lock_job(job_id)
    function = LabelingFunction.objects.filter(job=job_id, pk=function_id, retired_at=None).first()
    if function is None:
        raise NotFound("labeling function")
    function.retired_at = clock.now()
    function.save(update_fields=["retired_at"])
    record(action="labelingfunction.retired", subject=function, by=by, details={"job": str(job_id)})


@dataclass(frozen=True, slots=True)
class FunctionRun:
    """How many predictions a run added, of how many tasks, and whether none that waits is left behind these."""

    predictions: int
    looked_at: int
    is_through: bool


@transaction.atomic
def predict_by_functions(*, job_id: UUID, by: Actor) -> FunctionRun:
    """Let the job's functions together look at up to 20,000 of its tasks that wait for their label, and predict those.

    The next run goes on behind them, whatever was found there; after the one that is through, it begins anew. They are
    one predictor, whose version stands for exactly these functions; that of others is stopped, so that no rule votes
    twice. Raises NotFound, WrongState, NoSingleChoice, or NothingToSay where they say nothing of any task that waits.
    """
    job = _locked(job_id)
    schema = current_schema_of(job.pk)
    question = question_of(schema)
    functions = functions_of(job.pk)
    if not functions:
        raise NothingToSay("This job has no labeling functions. Define some first.")
    version = version_of(functions)
    _stop_others(job, version)
    predictor, _ = Predictor.objects.get_or_create(job=job, name=MODEL, version=version)
    run = import_module("marketplace.services.function_votes").fused(job, functions, question, predictor, MOST_TASKS)
    if not run.said and predictor.looked_until is None and run.until is None:
        raise NothingToSay("The labeling functions say nothing of tasks that wait for their label and a prediction.")
    placed = [
        Placed(row, task_id, _prediction(schema, question, version, label, score))
        for row, (task_id, label, score) in enumerate(run.said, start=1)
    ]
    intake = PredictionIntake(job=job, chance=CHANCE)
    if faults := intake.take(placed):
        raise NothingToSay(faults[0].message)
    predictor.looked_until = run.until
    predictor.save(update_fields=["looked_until"])
    plan_anew(Prediction, added=intake.taken)
    record(
        action="job.predictions_imported",
        subject=job,
        by=by,
        details={"predictions": intake.taken, "labeling_functions": version, "looked_at": run.looked_at},
    )
    return FunctionRun(intake.taken, run.looked_at, is_through=run.until is None)


def question_of(schema: LabelSchema) -> ChoicesControl:
    """The single choice that the job asks for. Raises NoSingleChoice where it asks for anything else."""
    control = schema.controls[0]
    if len(schema.controls) > 1 or not isinstance(control, ChoicesControl) or control.multiple or control.per_region:
        raise NoSingleChoice(
            "Labeling functions name one class. They are for jobs that ask one question, with a single choice."
        )
    return control


def functions_of(job_id: UUID) -> list[LabelingFunction]:
    """The functions of a job that are not retired, in the order of their definition."""
    return list(LabelingFunction.objects.filter(job=job_id, retired_at=None).order_by("created_at", "pk"))


def version_of(functions: list[LabelingFunction]) -> str:
    """What stands for exactly these functions."""
    rules = sorted(json.dumps({"name": each.name, **each.rule}, sort_keys=True) for each in functions)
    return hashlib.sha256("\n".join(rules).encode()).hexdigest()[:16]


def _locked(job_id: UUID) -> Job:
    job = lock_job(job_id)
    if job.state in Job.ENDED:
        raise WrongState(f"Job {job.pk} is {job.state}; labeling functions are of no use to it any more.")
    return job


def _stop_others(job: Job, version: str) -> None:
    known = Predictor.objects.select_for_update(no_key=True).filter(job=job, name=MODEL)
    for predictor in known.exclude(version=version).exclude(state=Predictor.State.STOPPED).order_by("pk"):
        stop_predictor(predictor, because="The labeling functions were changed.")
    stopped = known.filter(version=version, state=Predictor.State.STOPPED).first()
    if stopped is not None:
        raise NothingToSay(f"These labeling functions were stopped: {stopped.stopped_because} Change them.")
    if Predictor.objects.filter(job=job).exclude(name=MODEL, version=version).count() >= MOST_VERSIONS:
        raise NothingToSay(f"The job has predictions of {MOST_VERSIONS} model versions; more are not taken.")


def _prediction(
    schema: LabelSchema, question: ChoicesControl, version: str, label: str, score: float
) -> GivenPrediction:
    answer = Answer.of({question.name: [label]})
    return GivenPrediction(MODEL, version, score, to_result(schema, answer), answer.key)
