"""Carriers' own protocols, spoken as a server: what was written for a carrier works against Parcelwire."""
