"""Histories in which something is wrong: what the checker is checked with."""

from tests.faults.doctored import deliveries, knowledge
from tests.faults.doctored.changes import DOCTORED, Doctor

__all__ = ["DOCTORED", "Doctor", "deliveries", "knowledge"]
