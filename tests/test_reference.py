"""The README's reference is the table of verbs."""

from tests import reference


def test_the_reference_in_the_readme_is_what_help_says():
    written = reference.section(reference.README.read_text("utf-8"))
    assert written == reference.render(), "write it anew: python -m tests.reference"
