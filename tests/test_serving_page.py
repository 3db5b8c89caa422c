"""The page of the service in a browser: the map, the forecasts with their fan, the age of feeds."""

import pandas as pd
import pytest
from browser import open_browser
from conftest import ON_FASTEST

pytest.importorskip("fastapi", reason="FastAPI is not installed")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")

from service_runs import NAMES, Client, running, saved  # noqa: E402

pytestmark = pytest.mark.skipif(not ON_FASTEST, reason="the page is the same on each backend")
SIZES = {"desk": (1300, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page") / "<city>"  # which the page must not take for a tag
    saved(folder, quantiles=(0.05, 0.5, 0.95))
    return folder


@pytest.fixture(params=SIZES)
def page(request, browser):
    width, height = SIZES[request.param]
    with browser.new_context(viewport={"width": width, "height": height}) as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda message: page.problems.append(message.text))
        yield page


def steps():
    """The last 13 hours: "B1" was silent for five hours, and "007" for 11."""
    now = pd.Timestamp.now("UTC").floor("h")
    for back in range(12, -1, -1):
        values = {"A1": 50.0 + back, "A2": 60.0, "B1": 70.0, "007": 40.0}
        silent = ["B1"] * (back < 5) + ["007"] * (back < 11)
        yield {"time": (now - pd.Timedelta(hours=back)).isoformat()}, values, silent


def test_the_page_shows_the_sensors_their_forecasts_and_their_age(folder, page):
    folder.with_name("<city>.sqlite").unlink(missing_ok=True)  # of the test before
    with running(folder) as (_, port):
        client = Client(port)
        page.goto(f"http://127.0.0.1:{port}")
        page.get_by_text("There is no forecast").wait_for()
        assert page.problems.pop() and not page.problems  # the browser notes the status 503
        for time, values, silent in steps():
            client.post([time | {"values": {k: v for k, v in values.items() if k not in silent}}])
        page.reload()
        page.locator("#chart .forecast").wait_for(state="attached")
        assert page.title() == page.locator("h1").inner_text() == "<city>"
        rows = [row.locator("td").all_inner_texts() for row in page.locator("tbody tr").all()]
        assert [row[0] for row in rows] == NAMES
        assert [row[2].split()[1] for row in rows] == ["min", "min", "h", "h"] or "s" in rows[0][2]
        assert rows[0][3] == "50" and rows[2][3] == "–" and rows[3][6] == "1 of 12 readings"
        counts = [page.locator(f"#{look}").inner_text() for look in ("fresh", "late", "silent")]
        assert counts == ["2", "2", "0"]
        circles = page.locator("#map circle")
        assert circles.count() == 4 and page.locator("#map .edge").count() >= 3
        assert page.locator("#name").inner_text() == "A1"
        fan = page.locator("#chart .fan").get_attribute("d")
        assert fan.count("L") == 5  # there and back over three steps
        circles.filter(has_text="B1").click()
        assert page.locator("#name").inner_text() == "B1"
        assert page.locator("#chart .fan").get_attribute("d") != fan
        page.locator("#find").fill("00")
        assert page.locator("#sensor").input_value() == "3"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.problems == []


def test_the_page_asks_for_the_token(folder, page):
    with running(folder, token="sesame") as (_, port):
        page.goto(f"http://127.0.0.1:{port}")
        page.get_by_text("The service needs its token.").wait_for()
        page.locator("#token").fill("sesame")
        page.get_by_role("button", name="Open").click()
        page.locator("tbody tr").first.wait_for()
        assert not page.locator("#token").is_visible()
