"""Hypothesis without its clock: two busy cores are no reason for a failure."""

from hypothesis import settings

settings.register_profile("parcelwire", deadline=None, database=None)
settings.load_profile("parcelwire")
