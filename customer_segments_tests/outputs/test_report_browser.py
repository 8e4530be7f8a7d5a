"""The report in a real browser: on a desk, on a phone, in the dark, by keyboard, on paper."""

import re

import pytest

from customer_segments.model.names import SEGMENTS
from customer_segments.outputs.pictures import draw_pictures
from customer_segments_tests.browser import axe_violations
from customer_segments_tests.outputs.invented import invented
from customer_segments_tests.outputs.pages import Page

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
# Text of pictures: what is cut by the picture's edge, what meets other text, and how small it is.
# Boxes of turned text are larger than it is.
TEXTS = """() => {
  const cut = [], meeting = [], heights = [];
  for (const svg of document.querySelectorAll("svg")) {
    const edge = svg.getBoundingClientRect();
    const lines = [...svg.querySelectorAll("text:not([transform])")].map(
      (line) => [line.textContent, line.getBoundingClientRect()]);
    lines.forEach(([said, box], place) => {
      if (box.left < edge.left - 1 || box.right > edge.right + 1 || box.top < edge.top - 1
        || box.bottom > edge.bottom + 1) cut.push(said);
      for (const [other, its] of lines.slice(place + 1)) {
        const wide = Math.min(box.right, its.right) - Math.max(box.left, its.left);
        const high = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
        if (wide > 1 && high > 4) meeting.push([said, other]);
      }
    });
    const scale = edge.width / svg.viewBox.baseVal.width;
    for (const line of svg.querySelectorAll("text"))
      heights.push(scale * line.getAttribute("font-size"));
  }
  return {cut, meeting, smallest: Math.min(...heights)};
}"""


@pytest.fixture
def opened(browser, reported):
    """Open the report with a screen and a scheme of colours; what it asks for and says is kept."""
    contexts = []

    def open_it(screen=DESK, scheme="light"):
        contexts.append(browser.new_context(viewport=screen, color_scheme=scheme))
        page = contexts[-1].new_page()
        page.heard = []
        page.on("request", lambda request: page.heard.append(request.url))
        page.on("console", lambda message: page.heard.append(message.text))
        page.goto(reported.path.as_uri())
        return page

    yield open_it
    for context in contexts:
        context.close()


def test_it_loads_without_a_request_or_an_error(reported, opened):
    page = opened()
    shown = Page(page.content())
    assert shown.tables == reported.page.tables
    assert shown.text == reported.page.text
    page.keyboard.press("End")
    assert page.heard == [reported.path.as_uri()]


@pytest.mark.parametrize(("screen", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_everybody_can_use_it(opened, screen, scheme):
    page = opened(screen, scheme)
    assert axe_violations(page) == []
    # Neither the page nor any part of it moves sideways.
    wide = "of => of.scrollWidth > of.clientWidth"
    assert not page.evaluate(f"[...document.querySelectorAll('html, .scroll')].some({wide})")
    colours = "of => [getComputedStyle(of).color, getComputedStyle(of).backgroundColor]"
    ink, paper = page.eval_on_selector("body", colours)
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    assert page.eval_on_selector("svg text", "of => getComputedStyle(of).fill") == ink


def test_tables_fold_on_a_phone(opened):
    page = opened(PHONE)
    heads = page.locator("thead")
    assert heads.count() > 5
    assert not any(head.is_visible() for head in heads.all())
    label = "of => getComputedStyle(of, '::before').content"
    cell = page.locator(".segments td").first
    assert cell.evaluate(label) == '"Customers"'
    assert cell.bounding_box()["width"] < 200  # two beside each other


def test_pictures_can_be_read_on_a_phone(opened):
    page = opened(PHONE)
    assert page.evaluate(TEXTS)["smallest"] >= 11
    # Also with as many names as there can be, and with few.
    for view in (invented([*SEGMENTS, "Champions 2"], months=25), invented(months=2)):
        svgs = [svg for picture in draw_pictures(view) for svg in picture.svgs]
        page.set_content("\n".join(svgs))
        found = page.evaluate(TEXTS)
        assert found["cut"] == found["meeting"] == []


def test_the_keyboard_reaches_all_that_reacts_and_shows_where_it_is(opened):
    page = opened()
    reacting = page.locator("a[href], [tabindex='0']")
    for place in range(reacting.count()):
        page.keyboard.press("Tab")
        of = reacting.nth(place)
        assert of.evaluate("of => of === document.activeElement"), place
        assert of.evaluate("of => getComputedStyle(of).outline").endswith("solid 3px"), place
    page.locator("nav a").last.press("Enter")
    assert page.url.endswith("#model")


def test_on_paper_it_is_light_and_of_a_sane_number_of_pages(opened):
    page = opened(scheme="dark")
    pdf = page.pdf(prefer_css_page_size=True)
    assert 5 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 16
    assert re.search(rb"/MediaBox \[0 0 59[45]\S* 84[12]\S*\]", pdf)  # A4
    page.emulate_media(media="print")
    colours = "of => [getComputedStyle(of).color, getComputedStyle(of).backgroundColor]"
    assert page.eval_on_selector("body", colours) == ["rgb(29, 35, 39)", "rgb(255, 255, 255)"]
