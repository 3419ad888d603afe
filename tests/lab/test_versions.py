"""Versions are published and stay; aliases point at them; both change by revision only."""

import dataclasses
import threading

import pytest

from faaslab import app
from faaslab.errors import AlreadyExists, Conflict, InvalidValue, NotFound

SEEN = (
    "import os\n"
    "def handler(event, context):\n"
    "    return [{}, os.environ['AWS_LAMBDA_FUNCTION_VERSION'], context.function_version,\n"
    "            context.invoked_function_arn]\n"
)


def code(value):
    return SEEN.format(value)


@pytest.fixture
def two(lab):
    """`f` with the versions 1 and 2, of its definitions 1 and 3; 2 was never published, 4 is the present one."""
    for number, publish in ((1, True), (2, False), (3, True), (4, False)):
        lab.functions.create("f", code(number))
        if publish:
            lab.versions.publish("f", description=f"the {number}")
    return lab


def test_publishing_without_a_change_answers_the_last_one(lab):
    lab.functions.create("f", code(1), description="one")
    first = lab.versions.publish("f")
    assert (first.version, first.definition, first.description) == ("1", 1, "one")
    assert first.revision_id
    assert lab.versions.publish("f", description="another") == first
    lab.functions.update("f", memory_mb=256)
    lab.functions.update("f", memory_mb=384)
    second = lab.versions.publish("f")
    assert (second.version, second.definition) == ("2", 3)
    lab.functions.update("f", memory_mb=384, tags={"a": "b"}, recursive_loop="Allow")
    assert lab.versions.publish("f") == second, "the same code and configuration as were published last"
    assert lab.versions.list("f") == (first, second)
    assert lab.versions.get("f", "1") == first


def test_a_version_does_not_change_any_more(two):
    ran = two.functions.invoke("f", qualifier="1")
    assert ran.result == [1, "1", "1", "arn:aws:lambda:us-east-1:000000000000:function:f:1"]
    two.functions.create("f", code(5))
    again = two.functions.invoke("f", qualifier="1")
    assert (again.result[0], again.cold_start) == (1, False), "its environments outlive a change of $LATEST"
    assert (again.version, again.qualifier) == ("1", "1")
    assert two.functions.invoke("f").result[:2] == [5, "$LATEST"]


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"code_sha256": "x"}, InvalidValue, r"CodeSHA256 \(x\) is different from current CodeSHA256 in \$LATEST"),
        ({"revision_id": "x"}, Conflict, "The Revision Id provided does not match the latest Revision Id"),
        ({"definition": 9}, NotFound, "definition of f.*it has: 1 to 4"),
    ],
)  # fmt: skip
def test_publishing_under_a_condition_that_does_not_hold(two, given, error, text):
    with pytest.raises(error, match=text):
        two.versions.publish("f", **given)
    assert [each.version for each in two.versions.list("f")] == ["1", "2"]


def test_publishing_under_a_condition_that_holds(two):
    present = two.functions.get("f")
    published = two.versions.publish("f", code_sha256=present.code_sha256, revision_id=present.revision_id)
    assert (published.version, published.definition) == ("3", 4)
    assert published.code_sha256 == present.code_sha256
    now = two.functions.get("f")
    assert len({present.revision_id, published.revision_id, now.revision_id}) == 3
    assert two.versions.publish("f", revision_id=now.revision_id) == published
    two.versions.create_alias("f", "prod", "3")
    assert two.functions.get("f").revision_id == now.revision_id
    assert two.functions.get("f", "3").revision_id == published.revision_id


def test_an_update_by_revision_and_with_publish(lab):
    present = lab.functions.create("f", code(1))
    changed = lab.functions.update("f", memory_mb=256, revision_id=present.revision_id, publish=True)
    assert [(each.version, each.definition) for each in lab.versions.list("f")] == [("1", changed.definition)]
    for change in (
        lambda: lab.functions.update("f", memory_mb=512, revision_id=present.revision_id),
        lambda: lab.functions.update_code("f", code(2), revision_id=present.revision_id),
        lambda: lab.functions.define("f", code(2), revision_id=present.revision_id),
    ):
        with pytest.raises(Conflict, match="Call the GetFunction/GetAlias API to retrieve the latest"):
            change()
    assert (lab.functions.get("f").version, lab.functions.get("f").definition) == ("$LATEST", 2)


def test_what_is_defined_is_published_with_it(lab):
    said = [lab.functions.define("f", code(number), publish=True, wait=False) for number in (1, 1, 2)] + [
        lab.functions.redefine("f", code=code(3), publish=True, wait=False)
    ]
    assert [(each.change, each.published.version) for each in said] == [
        ("created", "1"), ("unchanged", "1"), ("updated", "2"), ("updated", "3"),
    ]  # fmt: skip
    function = lab.functions.create("g", code(1), publish=True)
    assert function == dataclasses.replace(lab.functions.get("g"), statistics=None)
    assert function.version == "$LATEST"
    assert [each.version for each in lab.versions.list("g")] == ["1"]
    with pytest.raises(AlreadyExists):
        lab.functions.create("g", code(2), publish=True, exist_ok=False)
    assert [each.version for each in lab.versions.list("g")] == ["1"]


def test_an_alias_leads_to_its_version(two):
    made = two.versions.create_alias("f", "prod", "1", description="what customers get")
    ran = two.functions.invoke("f", qualifier="prod")
    assert ran.result == [1, "1", "1", "arn:aws:lambda:us-east-1:000000000000:function:f:prod"]
    assert (ran.version, ran.definition, ran.qualifier) == ("1", 1, "prod")
    moved = two.versions.update_alias("f", "prod", version="2", revision_id=made.revision_id)
    assert (moved.description, moved.version) == ("what customers get", "2")
    ran = two.functions.invoke("f", qualifier="prod")
    assert ran.result[:3] == [3, "2", "2"]
    assert (ran.version, ran.definition, ran.log_stream.count("[2]")) == ("2", 3, 1)
    assert any(line.message.endswith("Version: 2") for line in ran.logs)
    found = two.functions.get("f", "prod")
    assert (found.version, found.definition, found.description) == ("2", 3, "the 3")
    assert two.versions.aliases("f") == (moved,)
    two.versions.delete_alias("f", "prod", revision_id=moved.revision_id)
    with pytest.raises(NotFound, match="alias of f.*'prod'"):
        two.functions.invoke("f", qualifier="prod")


def test_an_alias_of_latest_goes_with_it(two):
    two.versions.create_alias("f", "dev", "$LATEST")
    ran = two.functions.invoke("f", qualifier="dev")
    assert ran.result == [4, "$LATEST", "$LATEST", "arn:aws:lambda:us-east-1:000000000000:function:f:dev"]
    assert (ran.version, ran.definition, ran.qualifier) == ("$LATEST", 4, "dev")
    two.functions.create("f", code(5))
    assert two.functions.invoke("f", qualifier="dev").result[0] == 5


def test_every_request_is_drawn_anew(two):
    chances = iter([0.05, 0.5, 0.099, 0.1, 0.9])
    two.chance = lambda: next(chances)
    two.versions.create_alias("f", "prod", "1", weights={"2": 0.1})
    ran = [two.functions.invoke("f", qualifier="prod") for _ in range(5)]
    assert [each.version for each in ran] == ["2", "1", "2", "1", "1"]
    assert {each.qualifier for each in ran} == {"prod"}
    chances = iter([0.9, *[0.05, 0.5] * 10])
    result = two.functions.map("f", range(20), qualifier="prod", n=3)
    assert [each.version for each in result.executions] == ["2", "1"] * 10
    table = two.sql("SELECT version, definition, count(*) FROM executions GROUP BY ALL ORDER BY 1")
    assert table.to_numpy().tolist() == [["1", 1, 13], ["2", 3, 12]]


@pytest.mark.parametrize(
    ("alias", "version", "weights", "error", "text"),
    [
        ("7", "1", {}, InvalidValue, "alias: '7' cannot be an alias's name"),
        ("prod", "3", {}, NotFound, "published version of f.*'3'.*it has: 1, 2"),
        ("prod", "1", {"9": 0.5}, NotFound, "published version of f.*'9'"),
        ("prod", "1", {"1": 0.5}, InvalidValue, "already included in routing configuration"),
        ("taken", "1", {}, AlreadyExists, "Alias already exists: arn:aws:lambda:us-east-1:000000000000:function:f:taken"),
    ],
)  # fmt: skip
def test_an_alias_that_cannot_be(two, alias, version, weights, error, text):
    two.versions.create_alias("f", "taken", "1")
    with pytest.raises(error, match=text):
        two.versions.create_alias("f", alias, version, weights=weights)
    assert [each.name for each in two.versions.aliases("f")] == ["taken"]


def test_versions_that_share_an_alias_have_one_role(lab):
    for role in ("arn:aws:iam::000000000000:role/a", "arn:aws:iam::000000000000:role/b"):
        lab.functions.create("f", code(1), role=role)
        lab.versions.publish("f")
    with pytest.raises(InvalidValue, match="weights: versions 1 and 2 differ in their role"):
        lab.versions.create_alias("f", "prod", "1", weights={"2": 0.5})


def test_an_alias_changes_by_its_revision_only(two):
    first = two.versions.create_alias("f", "prod", "1")
    second = two.versions.update_alias("f", "prod", weights={"2": 0.5}, revision_id=first.revision_id)
    assert second.revision_id != first.revision_id
    for change in (
        lambda: two.versions.update_alias("f", "prod", version="2", revision_id=first.revision_id),
        lambda: two.versions.delete_alias("f", "prod", revision_id=first.revision_id),
    ):
        with pytest.raises(Conflict, match="The Revision Id provided does not match"):
            change()
    cleared = two.versions.update_alias("f", "prod", weights={})
    assert (cleared.version, cleared.weights) == ("1", {})
    with pytest.raises(InvalidValue, match="already included"):
        two.versions.update_alias("f", "prod", weights={"1": 0.5})


def test_a_version_that_an_alias_leads_to_is_not_deleted(two):
    two.versions.create_alias("f", "prod", "1", weights={"2": 0.5})
    for version in ("1", "2"):
        with pytest.raises(
            Conflict, match=r"Unable to delete version because the following aliases reference it: \[prod\]"
        ):
            two.versions.delete("f", version)
    two.versions.update_alias("f", "prod", version="2", weights={})
    two.versions.delete("f", "1")
    assert [each.version for each in two.versions.list("f")] == ["2"]
    assert two.functions.code("f", definition=1) == code(1), "what was defined stays"
    with pytest.raises(NotFound, match="version of f"):
        two.functions.invoke("f", qualifier="1")
    with pytest.raises(NotFound, match="it has: 2"):
        two.versions.delete("f", "1")


def test_deleting_the_version_that_is_present_keeps_the_function(lab):
    lab.functions.create("f", code(1))
    lab.versions.publish("f")
    lab.versions.delete("f", "1")
    assert lab.versions.list("f") == ()
    assert lab.functions.invoke("f").result[0] == 1
    assert lab.versions.publish("f").version == "2", "no number is used again"


def test_with_a_function_go_its_versions_and_aliases_and_not_another_s(two):
    two.functions.create("f_", code(9))
    two.versions.publish("f_")
    two.versions.create_alias("f_", "prod", "1")
    two.versions.create_alias("f", "prod", "1")
    two.functions.delete("f")
    two.functions.create("f", code(1))
    assert two.versions.list("f") == two.versions.aliases("f") == ()
    published = two.versions.publish("f")
    assert (published.version, published.definition) == ("3", 5), (
        "the numbers of a name go on (configuration-versions)"
    )
    assert [each.name for each in two.versions.aliases("f_")] == ["prod"]


def test_pointing_creates_moves_and_shares(two):
    pointed = two.versions.point("f", "prod", "1")
    assert (pointed.change, pointed.alias.version) == ("created", "1")
    for share, leads in ((0.25, ("1", {"2": 0.25})), (0, ("1", {})), (1, ("2", {}))):
        alias = two.versions.point("f", "prod", "2", share=share).alias
        assert (alias.version, alias.weights) == leads
    with pytest.raises(InvalidValue, match="already included"):
        two.versions.point("f", "prod", "2", share=0)
    assert two.versions.point("f", "prod", "$LATEST").alias.version == "$LATEST"
    with pytest.raises(InvalidValue, match="points at nothing yet"):
        two.versions.point("f", "new", "1", share=0.1)
    with pytest.raises(NotFound, match="it has: 1, 2"):
        two.versions.point("f", "prod", "4")


def test_an_older_definition_is_published_as_the_next_version(two):
    published = two.versions.publish("f", definition=2)
    assert (published.version, published.definition) == ("3", 2)
    assert two.functions.invoke("f", qualifier="3").result[:2] == [2, "3"]
    again = two.versions.publish("f", definition=1)
    assert (again.version, again.definition) == ("4", 1), "what was published before the last is a new one"
    df = two.versions.table("f")
    assert df[["definition", "version"]].to_numpy().tolist() == [[4, ""], [3, "2"], [2, "3"], [1, "1, 4"]]


@pytest.mark.parametrize(
    ("version", "error", "text"),
    [
        ("$LATEST", InvalidValue, r"\$LATEST version cannot be deleted without deleting the function"),
        ("prod", InvalidValue, "Deletion of aliases is not currently supported"),
        ("9", NotFound, "published version of f"),
    ],
)
def test_what_is_no_version_is_not_deleted(two, version, error, text):
    two.versions.create_alias("f", "prod", "1")
    with pytest.raises(error, match=text):
        two.versions.delete("f", version)
    assert [each.version for each in two.versions.list("f")] == ["1", "2"]


def test_whoever_publishes_at_once_gets_numbers_of_one_line(tmp_path, cache):
    with (
        app.open(store=tmp_path / "s.duckdb", cache=cache) as one,
        app.open(store=tmp_path / "s.duckdb", cache=cache) as two,
    ):
        for number in range(1, 13):
            one.functions.create("f", f"def handler(e, c): return {number}")
        begin = threading.Barrier(2)
        got = []

        def publish(lab, numbers):
            begin.wait()
            for number in numbers:
                published = lab.versions.publish("f", definition=number)
                got.append((int(published.version), published.definition))

        threads = [
            threading.Thread(target=publish, args=(lab, range(first, 13, 2)))
            for lab, first in ((one, 1), (two, 2))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(number for number, _ in got) == [*range(1, 13)]
        assert sorted(definition for _, definition in got) == [*range(1, 13)]
        assert [(int(each.version), each.definition) for each in one.versions.list("f")] == sorted(got)


def test_the_table_tells_every_definition(two):
    two.versions.create_alias("f", "prod", "1", weights={"2": 0.1})
    two.versions.create_alias("f", "dev", "$LATEST")
    df = two.versions.table("f")
    assert df[["definition", "version", "latest", "aliases"]].to_numpy().tolist() == [
        [4, "", True, "dev"],
        [3, "2", False, "prod 10%"],
        [2, "", False, ""],
        [1, "1", False, "prod 90%"],
    ]
    assert df["description"].tolist() == ["", "the 3", "", "the 1"]


def test_what_is_not_there_is_named(lab):
    for look in (lab.versions.list, lab.versions.aliases, lab.versions.publish, lab.versions.table):
        with pytest.raises(NotFound, match="function"):
            look("nothing")
    lab.functions.create("f", code(1))
    lab.versions.publish("f")
    lab.versions.create_alias("f", "production", "1")
    with pytest.raises(NotFound, match="did you mean 'production'"):
        lab.functions.invoke("f", qualifier="prodction")


def test_two_labs_never_point_an_alias_at_what_is_gone(tmp_path, cache):
    with (
        app.open(store=tmp_path / "s.duckdb", cache=cache) as one,
        app.open(store=tmp_path / "s.duckdb", cache=cache) as two,
    ):
        for number in range(1, 13):
            one.functions.create("f", f"def handler(e, c): return {number}")
            one.versions.publish("f")
        begin = threading.Barrier(2)
        refused = []

        def point():
            begin.wait()
            for number in range(1, 12):
                try:
                    one.versions.create_alias("f", f"a{number}", str(number))
                except NotFound:
                    refused.append(number)

        def delete():
            begin.wait()
            for number in range(1, 12):
                try:
                    two.versions.delete("f", str(number))
                except Conflict:
                    refused.append(number)

        threads = [threading.Thread(target=each) for each in (point, delete)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        left = {each.version for each in one.versions.list("f")}
        led_to = {each.version for each in one.versions.aliases("f")}
        assert led_to <= left
        assert sorted(refused) == list(range(1, 12)), "of the two, one was refused"


def test_another_process_s_alias_is_seen_at_once(tmp_path, cache):
    with (
        app.open(store=tmp_path / "s.duckdb", cache=cache) as one,
        app.open(store=tmp_path / "s.duckdb", cache=cache) as two,
    ):
        for number in (1, 2):
            one.functions.create("f", f"def handler(e, c): return {number}")
            one.versions.publish("f")
        one.versions.create_alias("f", "prod", "1")
        assert two.functions.invoke("f", qualifier="prod").result == 1
        one.versions.update_alias("f", "prod", version="2")
        assert two.functions.invoke("f", qualifier="prod").result == 2


def test_who_looks_at_an_alias_sees_the_version_that_it_points_at(two):
    two.chance = lambda: 0.0
    two.versions.create_alias("f", "prod", "1", weights={"2": 0.9})
    assert two.functions.get("f", "prod").version == "1"
    assert two.functions.code("f", "prod") == code(1)
    assert two.functions.invoke("f", qualifier="prod").version == "2"
    by = two.monitoring.stats(by=("qualifier", "version", "definition"))
    assert by.iloc[:, :4].to_numpy().tolist() == [["prod", "2", 3, 1]]
