"""SIGTERM ends any command as Ctrl-C does: nothing half written stays."""

import signal
import subprocess
import sys
import time
from pathlib import Path


def test_an_export_that_is_ended_leaves_nothing_beside_its_target(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nas", "export", "coatnet_0", "--format", "python", "-o", str(tmp_path / "net.py")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        end = time.monotonic() + 120
        while not list(tmp_path.glob(".nas-*")) and process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        assert list(tmp_path.iterdir()), "it began to write"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert not list(tmp_path.iterdir())
