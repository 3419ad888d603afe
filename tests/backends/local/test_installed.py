"""What is installed for this Python, and what of it a list of requirements means: on folders made for it."""

import json
import sys

import pytest

from faaslab.backends.local.runtimes import distributions
from faaslab.backends.local.runtimes.distributions import brought_along, providing, satisfying
from faaslab.backends.local.runtimes.links import leads_to, linked
from faaslab.backends.local.runtimes.packages import Packages


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of packages, alone on the path: site(name, ...) installs one."""
    folder = tmp_path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(folder)])

    def install(name, version="1.0", *, requires=(), files=(), url=None, installer="pip", record=True):
        # A clock of a file system may stand still for some milliseconds.
        distributions._satisfying.cache_clear()
        metadata = folder / f"{name}-{version}.dist-info"
        metadata.mkdir()
        lines = [f"Requires-Dist: {each}\n" for each in requires]
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{''.join(lines)}"
        )
        (metadata / "INSTALLER").write_text(installer)
        files = files or (f"{name}/__init__.py",)
        for file in files:
            if not file.startswith(".."):
                (folder / file).parent.mkdir(exist_ok=True, parents=True)
                (folder / file).write_text(f"VERSION = {version!r}\n")
        if record:
            (metadata / "RECORD").write_text("".join(f"{file},,\n" for file in files))
        if url is not None:
            (metadata / "direct_url.json").write_text(json.dumps(url))
        return folder

    return install


def names(found):
    return None if found is None else [f"{each.name} {each.version}" for each in found]


def test_what_is_required_is_there_with_all_that_it_requires(site):
    site("a", requires=("b>=2", "c; python_version<'3'", "d; extra=='more'"))
    site("b", "2.1", requires=("a",))
    site("d", "0.1", requires=("e[x]>=1",))
    site("e", "1.0", requires=("f; extra=='x'", "g; extra=='y'"))
    site("f")
    assert names(satisfying(["a"])) == ["a 1.0", "b 2.1"]
    assert names(satisfying(["A>=1,<2", "b"])) == ["a 1.0", "b 2.1"]
    assert names(satisfying(["a[more]"])) == ["a 1.0", "b 2.1", "d 0.1", "e 1.0", "f 1.0"]
    assert satisfying(["a[unheard-of]"]) == satisfying(["a"])


@pytest.mark.parametrize(
    "requirement",
    [
        "a>=2",
        "nothing",
        "needs_more",
        "./a",
        "a @ https://example.com/a.whl",
        "a>>1",
        "edited",
        "forked",
        "cut",
    ],
)
def test_what_pip_has_to_see_to(site, requirement):
    folder = site("a")
    site("needs_more", requires=("a", "missing"))
    site("edited", url={"url": "file:///here", "dir_info": {"editable": True}})
    site("forked", url={"url": "https://example.com/x.git", "vcs_info": {"vcs": "git"}})
    site("cut")
    (folder / "cut-1.0.dist-info" / "METADATA").write_text("")
    assert satisfying([requirement]) is None
    assert satisfying(["a", requirement]) is None


def test_conda_builds_name_where_they_were_built_and_are_what_they_say(site):
    site("a", url={"url": "file:///home/conda/work", "dir_info": {}}, installer="conda\n")
    assert names(satisfying(["a"])) == ["a 1.0"]


def test_what_belongs_to_a_package(site):
    cache = f"__pycache__/a.{sys.implementation.cache_tag}.pyc"
    site(
        "a",
        files=("a.py", cache, "__pycache__/a.cpython-27.pyc", "a.libs/x.so", "../../bin/a", "a.pth", "_a.so"),
    )
    (found,) = satisfying(["a"])
    assert found.entries == (cache, "_a.so", "a-1.0.dist-info", "a.libs", "a.py")


def test_two_that_share_a_folder_are_left_to_pip(site):
    site("a", files=("both/__init__.py", "both/a.py"))
    site("b", files=("both/__init__.py", "both/b.py"))
    assert names(satisfying(["a"])) == ["a 1.0"]
    assert satisfying(["a", "b"]) is None


def test_a_namespace_that_others_are_in_too_is_left_to_pip(site):
    site("a", files=("space/a/__init__.py",))
    assert names(satisfying(["a"])) == ["a 1.0"]
    site("b", files=("space/b/__init__.py",))
    assert satisfying(["a"]) is None


def test_one_that_was_half_removed_is_left_to_pip(site):
    folder = site("a")
    (folder / "a" / "__init__.py").unlink()
    (folder / "a").rmdir()
    assert satisfying(["a"]) is None


def test_without_a_list_of_files_the_top_level_names_serve(site):
    folder = site("a", record=False)
    assert satisfying(["a"]) is None
    distributions._satisfying.cache_clear()
    (folder / "a-1.0.dist-info" / "top_level.txt").write_text("a\n")
    assert satisfying(["a"])[0].entries == ("a", "a-1.0.dist-info")


def test_a_project_in_the_present_folder_is_not_installed(site, tmp_path, monkeypatch):
    folder = site("a")
    folder.rename(tmp_path / "project")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "project")])
    assert satisfying(["a"]) is None


def test_the_folder_is_named_for_the_versions_and_only_added_to(site, tmp_path):
    folder = site("a")
    first = linked(tmp_path / "cache", "python", satisfying(["a"]))
    assert (first / "a").readlink() == folder / "a"
    assert leads_to(first) == (folder,)
    made = first.stat().st_ino
    (first / "a").unlink()
    (first / "a-1.0.dist-info").unlink()
    (first / "a-1.0.dist-info").mkdir()
    assert linked(tmp_path / "cache", "python", satisfying(["a"])).stat().st_ino == made
    assert (first / "a").readlink() == folder / "a"
    assert (first / "a-1.0.dist-info" / "METADATA").is_file()
    assert sorted(path.name for path in first.iterdir()) == ["a", "a-1.0.dist-info"]
    for path in sorted((folder / "a-1.0.dist-info").iterdir()):
        path.unlink()
    (folder / "a-1.0.dist-info").rmdir()
    site("a", "1.1")
    second = linked(tmp_path / "cache", "python", satisfying(["a"]))
    assert second != first
    assert linked(tmp_path / "cache", "another python", satisfying(["a"])) not in (first, second)


def test_where_no_links_can_be_made_it_is_installed(site, tmp_path, monkeypatch):
    from faaslab.backends.local.runtimes import interpreters, packages

    def refuse(*_):
        raise OSError("no links here")

    site("a")
    monkeypatch.setattr(packages, "linked", refuse)
    monkeypatch.setattr(Packages, "_install", lambda self, folder, wanted, interpreter: None)
    folder = Packages(tmp_path / "root").requirements(["a"], interpreters.own())
    assert folder.parent == tmp_path / "root" / "requirements"
    assert not folder.name.startswith("linked")


def test_what_lambda_brings_is_here():
    found = {each.name.lower().replace("_", "-") for each in brought_along()}
    assert {"boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3"} <= found


def test_the_package_of_a_module(site):
    site("scikit-learn", files=("sklearn/__init__.py",))
    site("a", files=("both/a.py",))
    site("b", files=("both/b.py",))
    assert [providing(module) for module in ("sklearn", "both", "nothing")] == ["scikit-learn", None, None]
