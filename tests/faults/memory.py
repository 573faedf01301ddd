"""How much memory a process held at most."""

import re
from pathlib import Path


def peak_mb():
    """Of this process since it began its program, in MB.

    Not `ru_maxrss`: that of a program begins with what its parent held.
    """
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) // 1024
