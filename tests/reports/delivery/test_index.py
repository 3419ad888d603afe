"""The index of delivered reports: its list, its order, what falls out, and that nothing breaks it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.model.report import ReportStatus
from faaslab.reports.delivery import index
from faaslab.reports.delivery.naming import file_name
from tests.reports.delivery.stories import HOSTILE, MONDAY, failed, run, story


def entry(number, **changes):
    told = story(run(number, **{"scheduled_for": MONDAY + timedelta(days=7 * number), **changes}))
    return index.entry_of(told, origin="here", files={"html": f"p-{number}.html"})


def test_the_page_carries_its_own_list_and_the_same_list_gives_the_same_page():
    listed, _ = index.joined([], entry(1))
    listed, _ = index.joined(listed, entry(2))
    page = index.page(listed)
    assert index.entries(page) == listed
    assert index.page(index.entries(page)) == page


def test_newest_first_and_each_run_once():
    listed = ()
    for number in (2, 1, 3, 2):
        listed, dropped = index.joined(listed, entry(number))
        assert dropped == ()
    assert [each.files["html"] for each in listed] == ["p-3.html", "p-2.html", "p-1.html"]


def test_of_a_schedule_the_newest_stay_and_another_one_loses_nothing():
    listed = (entry(1, schedule="daily"), index.entry_of(story(run(9)), origin="elsewhere", files={}))
    for number in (2, 3, 4):
        listed, dropped = index.joined(listed, entry(number), keep=2)
    assert [each.files["html"] for each in dropped] == ["p-2.html"]
    assert len(listed) == 4  # two of this schedule, one of another, one of another store's of that name


def test_the_attempts_for_one_due_time_stay_or_go_together():
    listed = ()
    for number, due in ((1, 1), (2, 2), (3, 2), (4, 3)):
        at = MONDAY + timedelta(days=7 * due)
        listed, dropped = index.joined(listed, entry(number, scheduled_for=at), keep=2)
    assert [each.files["html"] for each in listed] == ["p-4.html", "p-3.html", "p-2.html"]
    assert [each.files["html"] for each in dropped] == ["p-1.html"]


@pytest.mark.parametrize("page", ["", "<html>mine</html>", '<meta name="faaslab-reports" content="[{]">'])
def test_a_page_that_is_not_ours_is_known(page):
    assert index.entries(page) is None


@given(st.text(max_size=60))
def test_nothing_in_a_run_breaks_the_page(text):
    told = story(
        failed(name=text, schedule=text, error_type=text, error_message=text), title=f"{HOSTILE}{text}"
    )
    made = index.entry_of(told, origin="here", files={"html": file_name(text, "html", told.run.id)})
    page = index.page([made])
    assert index.entries(page) == (made,)
    assert "<img" not in page
    assert "<script" not in page
    assert page.count("<tr>") == 2


def test_what_it_says():
    page = index.page(
        [
            index.entry_of(
                story(failed(2, attempt=2)), origin="here", files={"html": "a b.html", "log": "c.log"}
            ),
            entry(1),
            index.entry_of(story(run(3, name="costs"), title="Costs"), origin="here", files={"pdf": "c.pdf"}),
        ]
    )
    for told in (
        "3 runs of 2 reports, newest first.",
        "Mon 23 Nov 2026, 07:00 CET",
        'title="Mon 23 Nov 2026, 06:00 UTC"',
        "failed</span> at attempt 2",
        "Cell 3: KeyError: &#x27;day&#x27;",
        '<a href="./a%20b.html">Cold starts</a>',
        '<a href="./c.log">log</a>',
        '<td class="took">17.5 s</td>',
    ):
        assert told in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_name_of_a_file_means_the_same_everywhere_and_is_no_other_runs():
    assert file_name("weekly-20261123", "html", "1a2b3c4d-5") == "weekly-20261123-1a2b3c4d.html"
    assert file_name("../../etc/passwd", "html", "1a2b3c4d") == "etc-passwd-1a2b3c4d.html"
    assert file_name("…", "html", "1a2b3c4d") == "report-1a2b3c4d.html"
    assert len(file_name("x" * 999, "html", "1a2b3c4d")) < 120


def test_status_words():
    assert {each.value for each in ReportStatus} == {"running", "completed", "failed", "skipped"}
