"""Real processes that tests start."""

import subprocess
import time


def left_behind(group: int) -> list[str]:
    """Processes of a session that still run some seconds after its end."""
    end = time.monotonic() + 15
    while True:
        listed = subprocess.run(["ps", "-eo", "sid,args"], capture_output=True, text=True, check=True).stdout
        alive = [line for line in listed.splitlines() if line.split()[0] == str(group) and "<defunct>" not in line]
        if not alive or time.monotonic() > end:
            return alive
        time.sleep(0.2)
