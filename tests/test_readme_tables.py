"""The README's table of tables is the store's: none is missing, none is made up, and the columns are there."""

import re

from faaslab.store import Store
from tests.reference import README

ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


def test_the_readme_lists_the_tables_and_views_with_columns_that_they_have(tmp_path):
    section = README.read_text("utf-8").partition("## What can be asked\n")[2].partition("\n## ")[0]
    told = {name: re.findall(r"`(\w+)`", columns) for name, columns in ROW.findall(section)}
    with Store(tmp_path / "s.duckdb") as store:
        assert sorted(told) == store.sql("SHOW TABLES")["name"].tolist()
        for name, columns in told.items():
            assert set(columns) <= set(store.sql(f"DESCRIBE {name}")["column_name"]), name
