"""Build the documentation as a site: the Markdown of the repository, and pages made from the code (made_pages.py).

    python docs/make_site.py               # writes site/
    python -m http.server -d site 8000     # its pages open from the disk too; searching them takes a server

Links between files of the repository work on its own pages and here: one to a page leads to that page, one to code that
a page is made from leads there, and any other file is taken along. A broken link or anchor fails the build.
"""

import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import made_pages
import yaml

ROOT = Path(__file__).parents[1]
ELSEWHERE = {  # where the site has what lies outside docs/
    "README.md": "index.md",  # its part is played by docs/index.md
    "docs/plugins/README.md": "plugin-package.md",
    "benchmarks/RESULTS.md": "project/results.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "nas/__init__.py": "api.md",
    "nas/cli/__init__.py": "commands/index.md",
    "nas/network/blocks/__init__.py": "kinds.md",
}
LINK = re.compile(r"(!?\[[^\]]*\])\(([^)\s]+)\)")
CODE = re.compile(r"(^```.*?^```$|``[^`\n]+``|`[^`\n]+`)", re.MULTILINE | re.DOTALL)


class SiteError(Exception):
    """A link or a page that is wrong, named with its file."""


def places() -> dict[str, str]:
    """Where the site has each page of the repository, by its path there."""
    return {f"docs/{path.name}": path.name for path in sorted((ROOT / "docs").glob("*.md"))} | ELSEWHERE


def stage(folder: Path) -> None:
    """Write all that the site is built from into a new folder, and its settings beside it. Raises SiteError."""
    known = places()
    texts = {path: (ROOT / path).read_text(encoding="utf-8") for path in known if path.endswith(".md")}
    made = made_pages.commands(texts, known) | {"api.md": made_pages.api(ROOT), "kinds.md": made_pages.kinds()}
    told = {known[path]: _linked(text, path, known, folder) for path, text in texts.items() if path != "README.md"}
    for place, text in (told | made).items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "docs" / "site.css", folder)
    settings = _settings(folder, list(made))
    (folder.parent / "mkdocs.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")


def _linked(text: str, source: str, known: dict[str, str], folder: Path) -> str:
    """A page whose links lead to where the site has their targets. Code stays as it is."""

    def lead(link: re.Match[str]) -> str:
        return f"{link[1]}({_target(link[2], source, known, folder)})"

    parts = CODE.split(text)
    return "".join(part if number % 2 else LINK.sub(lead, part) for number, part in enumerate(parts))


def _target(link: str, source: str, known: dict[str, str], folder: Path) -> str:
    """Where a link of a page leads in the site; a file that is no page is taken along. Raises SiteError."""
    path, _, anchor = link.partition("#")
    if not path or ":" in link.partition("/")[0]:
        return link
    file = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    if file not in known and not (ROOT / file).is_file():
        raise SiteError(f"{source}: {path} is no file of the repository")
    place = known.get(file, file.removeprefix("docs/"))
    if file not in known:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, folder / place)
    relative = posixpath.relpath(place, posixpath.dirname(known[source]) or ".")
    return f"{relative}#{anchor}" if anchor else relative


def _settings(folder: Path, made: list[str]) -> dict[str, Any]:
    """The settings of mkdocs.yml, in whose navigation `FOLDER/` became the pages made there. Raises SiteError."""
    settings: dict[str, Any] = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    settings |= {"docs_dir": folder.name, "site_dir": "site"}
    for entry in settings["nav"]:
        for title, value in entry.items():
            if isinstance(value, str) and value.endswith("/"):
                entry[title] = [page for page in made if page.startswith(value)]
    listed = set(re.findall(r"[\w/-]+\.md", str(settings["nav"])))
    staged = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")}
    if listed != staged:
        raise SiteError(f"mkdocs.yml: its nav and the pages differ in {', '.join(sorted(listed ^ staged))}")
    return settings


def build() -> int:
    """Stage the site and build it, and return the builder's exit status."""
    folder = ROOT / "build" / "site" / "docs"
    shutil.rmtree(folder.parent, ignore_errors=True)
    try:
        stage(folder)
    except SiteError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    words = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "-f", str(folder.parent / "mkdocs.yml")]
    status = subprocess.run(words, check=False).returncode
    if not status:  # Zensical writes only below its settings
        shutil.rmtree(ROOT / "site", ignore_errors=True)
        shutil.move(folder.parent / "site", ROOT / "site")
    return status


if __name__ == "__main__":
    sys.exit(build())
