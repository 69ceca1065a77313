"""Who comes next where not everything that is due can be asked: by urgency, and nobody never. Pure."""

from collections.abc import Mapping

from carriers.budget import Room

#: Of every ten polls that an account makes, whose turn each is, by urgency (`trackers.schedule.Urgency`).
#: What an urgency leaves goes to the most urgent that is due. With one turn in ten for the rest, parcels were
#: found so late that nobody knew they were on their way: `bench.freshness` has the tails.
TURNS = (0, 1, 0, 2, 0, 3, 1, 2, 0, 3)
URGENCIES = range(4)
#: The urgency of what somebody asked for, or that was never asked about: it need not keep to the spread.
ASKED = 0


def shares(due: Mapping[int, int], calls: int, room: Room, *, turn: int) -> dict[int, int]:
    """How many polls of each urgency start, of `due` by urgency, at most `calls` of them, from a turn on.

    Scheduled polls that are ahead of their spread wait; but where asked ones go on, they have their turns.
    """
    waiting = {urgency: due.get(urgency, 0) for urgency in URGENCIES}
    given = dict.fromkeys(URGENCIES, 0)
    for nth in range(min(calls, room.left)):
        whose = TURNS[(turn + nth) % len(TURNS)]
        scheduled = sum(given.values()) - given[ASKED]
        in_time = scheduled < room.scheduled or (whose != ASKED and given[ASKED] < waiting[ASKED])
        chosen = next(
            (
                urgency
                for urgency in (whose, *URGENCIES)
                if given[urgency] < waiting[urgency] and (urgency == ASKED or in_time)
            ),
            None,
        )
        if chosen is None:
            break
        given[chosen] += 1
    return given
