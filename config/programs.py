"""The programs that run all the time: what they are called, what each does, and in how many processes.

`manage.py up`, the image, the compose file and the units of systemd all start them by the same short words:
`manage.py web`, `manage.py worker [QUEUE ...]`, `manage.py beat`. Imports neither Django nor Celery.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

WEB, BEAT, WORKER, METRICS = "web", "beat", "worker", "metrics"
#: The queue of a worker that is told none: polls, and all that has no queue of its own.
POLLS = "parcelwire"
#: What there is to be taken from, and the processes of a worker that takes it. What is late keeps no first
#: try waiting, and neither of them keeps a poll.
QUEUES = {POLLS: 2, "deliveries": 1, "late": 1}
#: The file, in the data folder, in which beat keeps when it sent what.
BEAT_SCHEDULE = "run/beat-schedule"


def worker_name(queues: Sequence[str]) -> str:
    """What a worker of these queues is called: `worker`, `worker-deliveries`, `worker-late`."""
    return "-".join([WORKER, *(each for each in queues if each != POLLS)])


def stack(host: str, port: int, *, measured: bool = False) -> dict[str, list[str]]:
    """The programs of one machine that runs everything, by name: the words that follow `manage.py`.

    The first, where it is `measured`, tells Prometheus of it.
    """
    return {
        **({METRICS: [METRICS]} if measured else {}),
        WEB: [WEB, "--host", host, "--port", str(port)],
        **{worker_name([queue]): [WORKER, queue] for queue in QUEUES},
        BEAT: [BEAT],
    }


def own_name(words: Sequence[str] = ()) -> str:
    """What this process is called: `web`, `worker-late`, `beat`, or the command of manage.py that it runs.

    Of `words`, by default those that it was started with. A pool's processes have the name of their worker.
    """
    program, *rest = words or sys.argv
    if not rest or Path(program).name != "manage.py":
        return Path(program).parent.name if Path(program).name == "__main__.py" else Path(program).name
    command, *rest = rest
    return worker_name([word for word in rest if word in QUEUES]) if command == WORKER else command
