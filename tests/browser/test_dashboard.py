"""The dashboard in a real browser: it works by keyboard, keeps its policy, and axe finds nothing to object to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ted.bank.pages import Page as Part
from tests.api_desk import QUESTION
from tests.browser.conftest import PICTURES, Site
from tests.desk_models import write_samples

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

LOOKED_INTO = [(1280, "light"), (390, "dark")]
"""Of the looks, those that axe sees: it takes its time."""

LOOKS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]


def paths(site: Site, desk: str) -> dict[str, str]:
    (one,) = site.service.listings.experiences(site.bank, Part(1)).data
    return {
        "banks": "/ui/banks",
        "bank": f"/ui/banks/{site.bank}",
        "experiences": f"/ui/banks/{site.bank}/experiences",
        "experience": f"/ui/banks/{site.bank}/experiences/{one.experience.id}",
        "review": f"/ui/banks/{desk}/review",
        "distil": f"/ui/banks/{desk}/distil",
        "playground": f"/ui/playground?bank={desk}",
        "jobs": "/ui/jobs",
        "missing": "/ui/banks/none",
    }


def accessible(page: Page) -> list[str]:
    """What axe objects to, in its words."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
    )
    return [
        f"{v['id']}: {v['help']} {json.dumps([n['html'][:200] for n in v['nodes'][:3]])}"
        for v in found.response["violations"]
    ]


def pictured(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_page_is_accessible_in_each_look_and_not_wider_than_the_screen(
    visitor: Page, site: Site, desk: str, width: int, scheme: str
) -> None:
    visitor.set_viewport_size({"width": width, "height": 900})
    visitor.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]

    objections = {}
    for name, path in paths(site, desk).items():
        visitor.goto(path)
        pictured(visitor, f"{name}-{width}-{scheme}")
        found = accessible(visitor) if (width, scheme) in LOOKED_INTO else []
        if visitor.evaluate("document.documentElement.scrollWidth") > width:
            found.append("wider than the screen")
        objections |= {name: found} if found else {}

    assert objections == {}


def test_the_form_to_sign_in_is_accessible(chromium: object, visitor: Page) -> None:
    visitor.get_by_role("button", name="Sign out").click()
    visitor.wait_for_url("**/ui/sign-in")
    pictured(visitor, "sign-in")

    assert accessible(visitor) == []
    visitor.go_back()
    visitor.reload()
    assert "/ui/sign-in" in visitor.url


def test_the_ranking_is_turned_over_without_the_rest_of_the_page(visitor: Page, site: Site) -> None:
    visitor.goto(f"/ui/banks/{site.bank}")
    first = visitor.locator("#ranking tbody tr").first.inner_text()

    visitor.get_by_role("link", name="Best first").click()
    visitor.wait_for_selector("#ranking a[aria-current]:has-text('Best first')")

    assert visitor.locator("#ranking tbody tr").first.inner_text() != first
    assert visitor.url.endswith(site.bank)


def test_a_question_is_asked_by_keyboard_and_graded_by_a_click(visitor: Page, desk: str) -> None:
    visitor.goto(f"/ui/playground?bank={desk}")
    visitor.get_by_label("Ask the teacher, too").check()
    visitor.locator("#question").fill(QUESTION)
    visitor.keyboard.press("Control+Enter")

    visitor.wait_for_selector("text=With the bank")
    visitor.locator("details", has_text="The exact prompt").nth(1).locator("summary").last.click()
    for width, scheme in LOOKS:
        visitor.set_viewport_size({"width": width, "height": 900})
        visitor.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        pictured(visitor, f"answers-{width}-{scheme}")
    assert accessible(visitor) == []
    visitor.get_by_role("button", name="Right (With the bank)").click()
    visitor.wait_for_selector("text=Graded as right")


def test_a_refusal_stands_where_the_answers_would(visitor: Page, desk: str) -> None:
    visitor.goto(f"/ui/playground?bank={desk}")
    visitor.locator("#question").fill("   ")

    visitor.get_by_role("button", name="Ask openai/student").click()

    visitor.wait_for_selector("#answers [role=alert]")


def test_a_distillation_is_followed_to_its_end_as_it_happens(
    visitor: Page, desk: str, tmp_path: Path
) -> None:
    samples = write_samples(tmp_path / "tickets.jsonl", 12)
    visitor.goto(f"/ui/banks/{desk}/distil")
    visitor.get_by_label("Upload").set_input_files(samples)
    visitor.get_by_role("button", name="Estimate").click()
    visitor.wait_for_selector("text=Estimate for 12")
    pictured(visitor, "estimate-1280-light")
    assert accessible(visitor) == []

    visitor.get_by_role("button", name="Start").click()
    visitor.wait_for_url("**/ui/jobs/job_*")
    visitor.wait_for_selector("#progress dd:has-text('succeeded')", timeout=30_000)

    assert visitor.locator("#told").inner_text() == "succeeded: 12 of 12 done"
    pictured(visitor, "job-1280-light")
    assert accessible(visitor) == []
    assert visitor.get_by_role("button", name="Pause").count() == 0
    visitor.goto(f"/ui/banks/{desk}/experiences")
    visitor.locator("tbody th a").first.click()
    visitor.wait_for_selector("text=Where it comes from")
    pictured(visitor, "origin-1280-light")
    assert accessible(visitor) == []


def test_a_report_is_drawn_in_the_dashboards_own_colours(visitor: Page, site: Site, desk: str) -> None:
    import httpx

    from tests.desk_models import samples

    headers = {"Authorization": f"Bearer {site.key}"}
    sent = {"samples": samples(6), "arms": ["none", "retrieve"], "allow_overlap": True}
    job = httpx.post(f"{site.url}/v1/banks/{desk}/evaluations", json=sent, headers=headers).json()["id"]
    visitor.goto(f"/ui/jobs/{job}")
    visitor.wait_for_selector("#progress dd:has-text('succeeded')", timeout=60_000)

    visitor.get_by_role("link", name="Report").click()

    visitor.wait_for_selector("text=Paired differences")
    for width, scheme in LOOKS:
        visitor.set_viewport_size({"width": width, "height": 900})
        visitor.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        pictured(visitor, f"report-{width}-{scheme}")
    assert accessible(visitor) == []
