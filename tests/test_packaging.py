"""What a person gets who installs the wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_wheel_carries_the_search_spaces_and_finds_them(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "-q", "-w", "."]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("hybrid_nas-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
        names = archive.namelist()
    assert "nas/search_spaces/cvt_family.yaml" in names
    assert "nas/py.typed" in names
    code = "import nas, pathlib; print(nas.__file__); print(nas.load_space('cvt_family').name)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "installed", check=True, capture_output=True, text=True
    )
    where, name = done.stdout.split()
    assert Path(where).is_relative_to(tmp_path)
    assert name == "cvt_family"


def test_on_windows_it_is_said_where_to_install_it() -> None:
    code = "import sys; sys.platform = 'win32'; import nas"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].startswith("ImportError: nas needs Linux or another POSIX system")


def test_the_editable_install_finds_the_same_spaces() -> None:
    shipped = {path.stem for path in (ROOT / "search_spaces").rglob("*.yaml")}
    done = subprocess.run(
        [sys.executable, "-c", "from nas.space.library import shipped; print(*shipped())"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert set(done.stdout.split()) == shipped
