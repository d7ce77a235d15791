"""Reads worth naming."""

from marketplace.queries.versions import Presentation, current_schema_of, presentation_of, says_the_same, schema_of

__all__ = ["Presentation", "current_schema_of", "presentation_of", "says_the_same", "schema_of"]
