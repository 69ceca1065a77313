"""The names of builds that are broken on purpose (`tests.faults.harness.broken`), for who has no Django."""

NAMES = ("no_lease_check", "naive_cursor", "dedupe_off", "fold_wrong")
