"""The parts of `python -m bench`: programs that also run alone, and what each is asked for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A program that takes `--json FILE`, and `--quick`."""

    name: str
    title: str
    module: str
    #: What it is asked for, and besides where figures count.
    words: tuple[str, ...] = ()
    in_full: tuple[str, ...] = ()
    #: Whether it runs only where it is named.
    only_named: bool = False


PARTS = (
    Part("reads", "Reads", "bench.reads"),
    Part("freshness", "Freshness", "bench.freshness"),
    Part("deliveries", "Deliveries", "bench.deliveries", (), ("--rounds", "3")),
    Part("polling", "Polling", "bench.polling", ("--rows", "unchanged,changed,sick"), ("--rounds", "3")),
    Part("recording", "Recording", "bench.polling", ("--rows", "record,history"), ("--rounds", "3")),
    Part(
        "end",
        "From the carrier to the subscriber",
        "bench.polling",
        ("--rows", "end,door"),
        ("--rounds", "3"),
    ),
    Part("growth", "Growth", "bench.growth"),
    Part("pages", "Pages for staff", "bench.load_data", only_named=True),
    Part("processes", "More processes", "bench.processes"),
)
