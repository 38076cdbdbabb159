"""A connector whose vendor says in plain words what its answers mean."""

from tests.unit.pipeline.probe.connector import connector

__all__ = ["connector"]
