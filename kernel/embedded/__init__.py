"""Servers that the project brings along, so that it runs with no settings at all: PostgreSQL and a broker."""
