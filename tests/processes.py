"""Real processes that tests start."""

import subprocess
import time


def left_behind(group: int, but: str = "<defunct>") -> list[str]:
    """Processes of a session, but for those so called, that still run some seconds after its end."""
    end = time.monotonic() + 30
    while True:
        listed = subprocess.run(["ps", "-eo", "sid,args"], capture_output=True, text=True, check=True).stdout
        alive = [line for line in listed.splitlines() if line.split()[0] == str(group)]
        alive = [line for line in alive if but not in line and "<defunct>" not in line]
        if not alive or time.monotonic() > end:
            return alive
        time.sleep(0.2)
