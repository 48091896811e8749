# SPDX-License-Identifier: AGPL-3.0-only
"""The page at `/` in a real browser, where there is one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from browser import Browser, find_chromium
from server_process import ServerProcess

PROGRAM = find_chromium()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs chromium")

ASK = """
(question) => {
  const input = document.getElementById("input");
  input.value = question;
  input.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true}));
}
"""
WATCH = """
window.pieces = 0;
new MutationObserver((records) => { window.pieces += records.length; })
  .observe(document.getElementById("log"), {characterData: true, subtree: true});
"""
LAST = "document.querySelector('#log article.model:last-child p')?.textContent"
IDLE = "!document.getElementById('send').disabled"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PROGRAM is not None
    made = Browser(PROGRAM, tmp_path_factory.mktemp("chromium"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """The page asks with the server's defaults, which are not greedy."""
    made = ServerProcess(default_temperature=0).wait_ready()
    yield made
    made.close()


@pytest.fixture
def page(browser: Browser, server: ServerProcess) -> Iterator[Browser]:
    browser.problems.clear()
    browser.call("Page.navigate", url=server.url)
    browser.wait_for("document.getElementById('dot')?.className === 'healthy'")
    yield browser
    server.check_healthy()


def ask(page: Browser, question: str) -> str:
    page.evaluate(f"({ASK})({question!r})")
    return str(page.wait_for(f"{IDLE} && {LAST}"))


def test_an_answer_streams_in(page: Browser) -> None:
    page.evaluate(WATCH)
    assert "guide" in ask(page, "Who are you?")
    assert page.evaluate("window.pieces") > 3
    assert page.wait_for("!document.getElementById('notice').hidden")
    assert "serve" in page.evaluate("document.getElementById('notice').textContent")
    assert "4/4" in page.evaluate("document.getElementById('status-text').textContent")
    assert "16070" in ask(page, "Hangi portları kullanıyorsun?")
    assert page.evaluate("document.querySelectorAll('#log article').length") == 4
    assert page.problems == []


def test_the_conversation_is_remembered_and_cleared(page: Browser) -> None:
    ask(page, "Benim adım Deniz.")
    assert "Deniz" in ask(page, "Benim adım ne?")
    page.evaluate("document.getElementById('clear').click()")
    assert page.evaluate("document.getElementById('log').children.length") == 0
    assert "Deniz" not in ask(page, "Benim adım ne?")
    assert page.problems == []


def test_the_language_changes(page: Browser) -> None:
    page.evaluate("document.getElementById('language').value = 'tr'")
    page.evaluate("document.getElementById('language').dispatchEvent(new Event('change'))")
    assert page.evaluate("document.getElementById('send').textContent") == "Gönder"
    assert page.evaluate("document.documentElement.lang") == "tr"
    assert page.problems == []


def test_markup_is_shown_as_text(page: Browser) -> None:
    ask(page, "<img src=x onerror=alert(1)><b>x</b>")
    assert page.evaluate("document.querySelector('#log img, #log b')") is None
    assert "<b>x</b>" in page.evaluate("document.querySelector('#log article.you p').textContent")
    assert page.problems == []


def test_nothing_is_wider_than_a_small_screen(page: Browser) -> None:
    ask(page, "x" * 300)
    metrics = {"width": 360, "height": 640, "deviceScaleFactor": 1, "mobile": True}
    page.call("Emulation.setDeviceMetricsOverride", **metrics)
    try:
        assert page.wait_for("document.documentElement.scrollWidth <= 360")
    finally:
        page.call("Emulation.clearDeviceMetricsOverride")


OPEN_ALL = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"


def test_the_page_of_the_api_fits_a_narrow_screen(page: Browser, server: ServerProcess) -> None:
    size = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.call("Emulation.setDeviceMetricsOverride", **size)
    try:
        page.call("Page.navigate", url=f"{server.url}/docs#post_v1_messages")
        page.wait_for("document.readyState === 'complete' && location.pathname === '/docs'")
        heading = "document.querySelector('#post_v1_messages h4')"
        assert page.evaluate(f"{heading}.getClientRects().length"), "a link unfolds what it names"
        assert page.evaluate("document.querySelectorAll('details:not([open])').length") > 30
        page.evaluate(OPEN_ALL)
        whole, seen = page.evaluate(WIDTHS)
        assert whole == seen <= 360, "nothing to scroll sideways"
        assert not page.problems
    finally:
        page.call("Emulation.clearDeviceMetricsOverride")
