import pytest

from faaslab.cli.terminal import harmless, is_terminal


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain\ttext\nand é 😀", "plain\ttext\nand é 😀"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x1b[31mred", "\x1b[31mred\x1b[0m"),
        ("over\rwritten", "over\\x0dwritten"),
        ("\x9b6n", "\\x9b6n"),
        ("\x00\x7f", "\\x00\\x7f"),
        ("\x1b[" + "1;" * 50 + "m", "\\x1b[" + "1;" * 50 + "m"),
    ],
)
def test_control_characters_are_shown_and_not_obeyed(given, shown):
    assert harmless(given) == shown
    assert harmless(harmless(given)).replace("\x1b[0m", "") == shown.replace("\x1b[0m", "")


def test_what_is_no_terminal():
    assert not is_terminal(None)
    with open("/dev/null") as nothing:
        assert not is_terminal(nothing)
