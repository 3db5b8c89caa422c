"""A headless browser, for tests that look at real pages."""

import contextlib
import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@contextlib.contextmanager
def open_browser():
    """Playwright's browser, run by the Chromium of this machine: it downloads none of its own."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = os.environ.get("STGKERAS_BROWSER") or next(filter(None, map(shutil.which, NAMES)), "")
    if not program:
        pytest.skip("no Chromium on the PATH, and STGKERAS_BROWSER names none")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()
