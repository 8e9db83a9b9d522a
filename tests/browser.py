"""Open pages as a person would: in Chromium without a network, at a width, in light or in dark."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
WIDE, NARROW = 1280, 390
expect.set_options(timeout=15_000)  # a busy machine takes its time
OWN = ("file:", "data:", "blob:", "about:blank")
DRIVER = "GL Driver Message"  # Chromium's remark on how fast WebGL is without a graphics card, no trouble of a page's


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium, headless; tests that need it are skipped without.

    Closed after each file, as playwright keeps a loop of asyncio running meanwhile.
    """
    if CHROMIUM is None:
        pytest.skip("needs Chromium on the PATH")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@contextmanager
def opened(
    browser: Browser, path: Path, *, width: int = WIDE, dark: bool = False, spent: bool = False
) -> Iterator[Page]:
    """Open a file, and find at the end that it raised no error, said nothing on the console and asked for nothing.

    What a test does to the page's clock stays; it says that the page is `spent` then, so that the next has another.
    """
    page, troubles = _page(browser), list[str]()
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if dark else "light")
    heard = {
        "pageerror": lambda error: troubles.append(f"error: {error}"),
        "console": lambda said: None if DRIVER in said.text else troubles.append(f"{said.type}: {said.text}"),
        "request": lambda asked: None if asked.url.startswith(OWN) else troubles.append(asked.url),
    }
    try:
        for event, listener in heard.items():
            page.on(event, listener)  # type: ignore[call-overload]
        page.goto(path.as_uri())
        yield page
        assert not troubles
    except BaseException:
        page.context.close()
        raise
    if spent:
        page.context.close()
        return
    for event, listener in heard.items():
        page.remove_listener(event, listener)
    page.evaluate("localStorage.clear(); sessionStorage.clear()")
    page.mouse.move(0, 0)
    page.goto("about:blank")


def _page(browser: Browser) -> Page:
    """The one page of a browser: where it has run plotly before, Chromium compiles it in no time."""
    if not browser.contexts:
        context = browser.new_context(offline=True)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.new_page()
    return browser.contexts[0].pages[0]


def serious(page: Page) -> list[str]:
    """List what axe-core finds serious or critical, https://github.com/dequelabs/axe-core: the rule and where."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")
            for node in one["nodes"]]  # fmt: skip
