"""A definition as Mermaid's text and as plain text."""

import re

import pytest

from faaslab.workflow.graph.mermaid import mermaid
from faaslab.workflow.graph.plain import text
from faaslab.workflow.graph.progress import status_of

from . import samples, story

LINE = re.compile(
    r"""stateDiagram-v2|direction\ TB|--|\}|end\ note
    |state\ "[\w .,!?#;]*"\ as\ s\d+|state\ s\d+\ \{|note\ right\ of\ s\d+
    |(\[\*\]|s\d+)\ -->\ (\[\*\]|s\d+)(\ :\ [\w .,!?#;]+)?
    |classDef\ \w+\ stroke:\#\w+,fill:\#\w+|class\ s\d+\ \w+""",
    re.VERBOSE,
)


def test_a_pipeline_in_mermaid():
    assert mermaid(samples.own("pipeline")) == (
        "stateDiagram-v2\n"
        "    direction TB\n"
        '    state "Extract" as s2\n'
        '    state "Score #8635; up to 3#215;" as s3\n'
        '    state "Load" as s4\n'
        "    [*] --> s2\n"
        "    s2 --> s3\n"
        "    s3 --> s4\n"
        "    s4 --> [*]\n"
    )


@pytest.mark.parametrize("name", samples.OWN_NAMES)
def test_mermaid_has_only_lines_of_its_grammar(name):
    for line in mermaid(samples.own(name), {}).splitlines():
        assert LINE.fullmatch(line.strip()) or re.fullmatch(r"[\w .,!?#;]+", line.strip()), line


def test_published_definitions_are_mermaid_and_text():
    for _, definition in samples.published():
        for line in mermaid(definition).splitlines():
            assert LINE.fullmatch(line.strip()) or re.fullmatch(r"[\w .,!?#;]+", line.strip()), line
        assert text(definition).endswith("\n")


def test_branches_and_colours_in_mermaid():
    said = mermaid(samples.own("order"), status_of(story.order().events))
    assert "        --\n" in said
    assert "catch PaymentDeclined" in said
    assert "otherwise" in said
    failed = re.search(r'"Charge card[^"]*" as (s\d+)', said)[1]
    assert f"class {failed} failed\n" in said


def test_a_long_condition_is_a_note():
    rule = {"Variable": "$." + "a" * 70, "StringEquals": "b", "Next": "T"}
    machine = {
        "StartAt": "C",
        "States": {"C": {"Type": "Choice", "Choices": [rule]}, "T": {"Type": "Succeed"}},
    }
    said = mermaid(machine)
    assert "note right of s2" in said
    assert "a" * 70 in said


def test_a_loop_as_text():
    assert text(samples.own("loop")) == (
        "Asks until the job has ended\n"
        "start → Submit job\n"
        "● Submit job  [Lambda · submit-job]\n"
        "    → Wait 30 seconds\n"
        "● Wait 30 seconds  [Wait · 30 s]\n"
        "    → Get status\n"
        "● Get status  [Lambda · get-status] ↻ up to 4×\n"
        "    → Job complete?\n"
        "● Job complete?  [Choice]\n"
        "    → Publish  if input.status = 'SUCCEEDED'\n"
        "    → Job failed  if input.status = 'FAILED'\n"
        "    → Wait 30 seconds  otherwise\n"
        "● Publish  [EventBridge · putEvents]\n"
        "    → end\n"
        "    ⇢ Publish  if any error\n"
        "● Job failed  [Fail · JobFailed]\n"
    )


def test_text_shows_how_states_stand():
    said = text(samples.own("order"), status_of(story.order().events))
    assert "✓ Validate order  [Lambda · validate-order] — succeeded · 2.84 s · ↻ 1\n" in said
    assert "! Fulfil  [Parallel] — caught error · 2.78 s · CardExpired\n" in said
    assert "■ Pack items  [Map · 5 at a time] — aborted · 2.73 s · 7/10 ✓ 1 ✗ 1 ■\n" in said


def test_text_cannot_steer_a_terminal():
    said = text(samples.own("hostile"))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", said)


def test_drafts_are_told_as_far_as_they_go():
    said = text(samples.own("draft"))
    assert "    → Nowhere (no such state)  if $.a = 1\n" in said
    assert "● Third  [Pass] — no state leads here\n" in said
    assert text(None) == "(no states)\n"
