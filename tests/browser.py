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
def opened(browser: Browser, path: Path, *, width: int = WIDE, dark: bool = False) -> Iterator[Page]:
    """Open a file, and find at the end that it raised no error, said nothing on the console and asked for nothing."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", offline=True
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page, troubles = context.new_page(), list[str]()
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on(
        "console",
        lambda message: None if DRIVER in message.text else troubles.append(f"{message.type}: {message.text}"),
    )
    page.on(
        "request",
        lambda request: troubles.append(request.url) if request.url[:5] not in ("file:", "data:", "blob:") else None,
    )
    page.goto(path.as_uri())
    yield page
    assert not troubles
    context.close()


def serious(page: Page) -> list[str]:
    """List what axe-core finds serious or critical, https://github.com/dequelabs/axe-core: the rule and where."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")
            for node in one["nodes"]]  # fmt: skip
