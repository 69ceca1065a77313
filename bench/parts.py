"""The parts of `python -m bench`: programs that also run alone, and what each is asked for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A program that takes `--json FILE`, and `--quick`."""

    name: str
    title: str
    module: str
    #: What it is asked for besides, when figures count.
    words: tuple[str, ...] = ()
    #: Whether it runs where no parts are named.
    always: bool = True


PARTS = (
    Part("reads", "Reads", "bench.reads", ("--seconds", "2")),
    Part("freshness", "Freshness", "bench.freshness"),
    Part("deliveries", "Deliveries", "bench.deliveries", ("--rounds", "3")),
    Part("polling", "Polling", "bench.polling", ("--rounds", "3")),
    Part("door", "From the carrier to the subscriber's door", "bench.door"),
    Part("growth", "Growth", "bench.growth"),
    Part("pages", "Pages for staff", "bench.load_data"),
    Part("processes", "More processes", "bench.processes"),
)
