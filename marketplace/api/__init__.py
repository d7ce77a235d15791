"""The marketplace's part of the API."""
