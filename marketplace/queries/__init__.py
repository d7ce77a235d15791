"""Reads worth naming."""

from marketplace.queries.versions import Presentation, current_schema_of, presentation_of, schema_of

__all__ = ["Presentation", "current_schema_of", "presentation_of", "schema_of"]
