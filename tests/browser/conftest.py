"""A real browser for the pages of `report` and `play`: Debian's Chromium, driven by Playwright.

All tests here are slow ones (--slow). Where CI is set a missing browser fails; elsewhere they are skipped without one.
"""
import os
import shutil
from pathlib import Path

import pytest

CHROMIUM = os.environ.get("AFTERZERO_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
# As root no sandbox is to be had; the rest keeps it from asking the network.
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")
WIDTHS = {"phone": (390, 844), "desktop": (1280, 900)}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


def _missing():
    try:
        import axe_playwright_python.sync_playwright  # noqa: F401
        import playwright.sync_api  # noqa: F401
    except ImportError as error:
        return f"needs {error.name}: the extra [browser]"
    return "" if CHROMIUM else "needs Chromium: chromium on the PATH, or its path in AFTERZERO_CHROMIUM"


@pytest.fixture(scope="module")
def browser():
    """A running Chromium; not longer than a module, as no other event loop can run in its process."""
    if why := _missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser):
    """Return open_page(address, width="desktop", dark=False): a page, whose `faults` are what went wrong in it so far.

    Faults are messages of its console that are errors or warnings, exceptions, and requests that failed. At the end of the
    test there must be none; who expects some empties the list.
    """
    contexts, opened = [], []

    def open_page(address, width="desktop", dark=False, **settings):
        wide, high = WIDTHS[width]
        context = browser.new_context(viewport={"width": wide, "height": high}, color_scheme="dark" if dark else "light",
                                      **settings)
        contexts.append(context)
        page = context.new_page()
        page.faults = []
        page.on("console", lambda said: page.faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("requestfailed", lambda request: page.faults.append(f"{request.url}: {request.failure}"))
        opened.append(page)
        page.goto(address)
        return page

    yield open_page
    found = [fault for page in opened for fault in page.faults]
    for context in contexts:
        context.close()
    assert found == []


@pytest.fixture
def accessibility():
    """Return accessibility(page): what axe finds wrong in it, a line each."""
    def found(page):
        from axe_playwright_python.sync_playwright import Axe

        response = Axe().run(page).response
        return [f"{one['id']} ({one['impact']}): {one['help']}; {node['html'][:120]}" for one in response["violations"]
                for node in one["nodes"]]
    return found
