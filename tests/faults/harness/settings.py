"""The settings of a run's processes: those of the project, and an application that tampers with them."""

from config import settings as own

globals().update({name: value for name, value in vars(own).items() if name.isupper()})
INSTALLED_APPS = [*own.INSTALLED_APPS, "tests.faults.harness.tampering"]
