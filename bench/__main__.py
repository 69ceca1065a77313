"""`python -m bench`: measure everything, print one table, write bench/RESULTS.md.

Each part is a program of its own that also runs alone. Wants a machine that does nothing else. The status is
0 where every goal holds, 1 where one is missed, 2 where a part broke.
"""

import sys

from bench.running import main

if __name__ == "__main__":
    sys.exit(main())
