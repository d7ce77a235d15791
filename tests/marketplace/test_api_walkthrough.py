"""docs/api-walkthrough.md names operations that there are, and the terms that are in force."""

import re
from pathlib import Path

from django.conf import settings
from django.urls import resolve

from workforce.services.applying import TERMS_VERSION

WALK = Path(settings.BASE_DIR, "docs", "api-walkthrough.md").read_text(encoding="utf-8")
AN_ID = "00000000-0000-4000-8000-000000000000"


def test_every_call_in_the_walkthrough_is_an_operation() -> None:
    plain = re.sub(r"\$\(jq -r .id [^)]*\)|\$[A-Z]+/|\$id/", lambda found: AN_ID + "/" * found[0].endswith("/"), WALK)
    calls = re.findall(r"""call "\$\w+" (GET|POST) ["']?([a-z][^"'? \n]*/)""", plain)

    assert len(calls) == WALK.count('call "$') - WALK.count('"$WAITING"')
    for method, path in calls:
        view = resolve(f"/api/v1/{path}").func.view_class  # type: ignore[attr-defined]  # as_view() notes it
        assert hasattr(view, method.lower()), (method, path)


def test_the_terms_that_are_accepted_are_those_in_force() -> None:
    assert set(re.findall(r'\\"terms_version\\": \\"([^\\]+)\\"', WALK)) == {TERMS_VERSION}
