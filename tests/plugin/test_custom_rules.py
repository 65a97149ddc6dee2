"""Rules of people's own: where they come from, what they find, and what becomes of their errors."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from pretok_schemas.rules import NAMES
from pretok_schemas.trainers import names
from pytest_pretok.cli import main
from pytest_pretok.declaration import read_declaration
from pytest_pretok.faults import DeclarationError
from tests.plugin.conftest import Run
from tests.plugin.data import clean_rows, declare, write, write_saved
from tests.plugin.test_selection import failed_ids

CHECKS = """
    import numpy as np

    from pretok_schemas import FileRule, RowRule, SplitRule, hits_at, rule
    from pretok_schemas.findings import Effect, Example
    from pretok_schemas.rules.base import Look, NONE


    @rule(help="begin rows with the marker", effect="wasted", consequence="the marker is not seen")
    def begins_with_marker(batch, *, marker: int = 1, most: int = 1000):
        \"\"\"A row does not begin with the marker.\"\"\"
        view = batch.view("input_ids")
        first = view.starts[view.lengths > 0]
        wrong = first[view["input_ids"][first] != marker]
        return hits_at(view, wrong, found=view["input_ids"], expected=marker)


    class ShortSplit(SplitRule):
        \"\"\"The split has fewer rows than it should.\"\"\"

        name = "short-split"
        views = (("input_ids",),)
        help = "add rows"

        def __init__(self, contract, vocabulary, *, least: int = 3):
            super().__init__(contract, vocabulary)
            self.least = least

        def survey(self, batch):
            return {"rows": batch.rows}

        def conclude(self, counts, facts):
            rows = counts.get("rows", 0)
            return f"{rows} rows" if rows < self.least else None


    class PlainNames(FileRule):
        \"\"\"A file's name says nothing.\"\"\"

        name = "plain-names"
        help = "rename it"
        unit = "file"

        def look_at_files(self, shards, names):
            return [Example(-1, -1, s.path, found="x") for s in shards if "x" in s.path]
"""


@pytest.fixture(autouse=True)
def _fresh_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Modules of one test are not those of another."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    sys.modules.pop("my_checks", None)
    yield
    sys.modules.pop("my_checks", None)


def module(here: Path, text: str = CHECKS, name: str = "my_checks") -> None:
    """Write a module beside the declaration."""
    (here / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")


def marked_rows() -> list[dict[str, list[int]]]:
    """Six rows, of which number 2 and 4 do not begin with 1."""
    rows = clean_rows(6)
    for number in (2, 4):
        rows[number]["input_ids"][0] = 9
    return rows


def report(here: Path) -> dict[str, dict[str, object]]:
    """The findings of the first split of a JSON report, by rule."""
    found = json.loads((here / "report.json").read_text(encoding="utf-8"))
    return {rule["rule"]: rule for rule in found["datasets"][0]["splits"][0]["rules"]}


DECLARED = """
    [tool.pretok]
    plugins = ["my_checks"]

    [tool.pretok.datasets.sft]
    path = "data/a.parquet"
"""


def test_rules_of_a_module_are_items_like_all_others(run: Run, here: Path, workers: str) -> None:
    """Rules of a module are items like all others."""
    module(here)
    declare(here, DECLARED)
    write(here / "data/a.parquet", marked_rows())
    ran = run("--pretok-data=.", "--pretok-report=report.json", workers)
    assert ran.code == 1
    assert failed_ids(ran) == {"pyproject.toml::sft::begins-with-marker[train]"}
    assert "begins-with-marker: 2 of 6 rows (33.3 %), split train" in ran.text
    assert "axolotl, packing off: wasted - the marker is not seen" in ran.text
    assert "data/a.parquet row 2 (train[2]) position 0, input_ids" in ran.text
    assert ">9" in ran.text
    assert "found 9, expected 1" in ran.text
    assert "help: begin rows with the marker" in ran.text
    rules = report(here)
    assert rules["begins-with-marker"]["violations"] == 2
    assert [one["row"] for one in rules["begins-with-marker"]["examples"]] == [2, 4]  # type: ignore[attr-defined]
    assert rules["short-split"]["outcome"] == rules["plain-names"]["outcome"] == "passed"


def test_options_and_severities_come_from_the_declaration(run: Run, here: Path) -> None:
    """Options and severities come from the declaration."""
    module(here)
    declare(
        here,
        DECLARED
        + """
    [tool.pretok.datasets.sft.rules]
    begins-with-marker = { marker = 9, max-rows = 4 }
    short-split = { least = 7, severity = "warning" }
    plain-names = "off"
    """,
    )
    write(here / "data/a.parquet", marked_rows())
    ran = run("--pretok-data=.", "--pretok-report=report.json")
    assert ran.code == 0
    assert "short-split: split train" in ran.text
    assert "6 rows" in ran.text
    rules = report(here)
    assert rules["begins-with-marker"]["violations"] == 4
    assert rules["begins-with-marker"]["budget"] == 4
    assert "plain-names" not in rules


def faults(folder: Path, cwd: Path | None = None) -> str:
    """What is wrong with a folder's declaration."""
    with pytest.raises(DeclarationError) as caught:
        read_declaration(folder / "pyproject.toml", NAMES, names(), cwd=cwd or folder)
    return str(caught.value)


def test_wrong_options_are_faults_of_the_declaration(here: Path) -> None:
    """Wrong options are faults of the declaration."""
    module(here)
    declare(
        here,
        DECLARED
        + """
    [tool.pretok.datasets.sft.rules]
    begins-with-marker = { marker = "one", mots = 3 }
    short-split = { least = 2.5 }
    begin-with-marker = "off"
    """,
    )
    write(here / "data/a.parquet", clean_rows())
    text = faults(here)
    assert "4 faults in pyproject.toml" in text
    assert "begins-with-marker.marker: found 'one', expected a valid integer" in text
    assert "begins-with-marker.mots: unknown key; did you mean" in text
    assert "most" in text
    assert "short-split.least: found 2.5, expected a valid integer" in text
    assert "begin-with-marker: unknown rule; did you mean 'begins-with-marker'?" in text


@pytest.mark.parametrize(
    ("plugins", "says"),
    [
        ('["no_such_module"]', "importing no_such_module failed: ModuleNotFoundError"),
        ('["my_checks"]', "importing my_checks failed: ZeroDivisionError: division by zero"),
        ('["json"]', "json has no rules"),
        ('"my_checks"', "expected a list of modules"),
        ("[1]", "expected a list of modules"),
    ],
)
def test_what_cannot_be_imported_is_a_fault(here: Path, plugins: str, says: str) -> None:
    """What cannot be imported is a fault."""
    module(here, "x = 1 / 0\n")
    declare(here, f"[tool.pretok]\nplugins = {plugins}\n")
    write(here / "data/a.parquet", clean_rows())
    text = faults(here)
    assert "plugins:" in text
    assert says in text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('name = "wrong-kind"', "which another rule has"),
        ('name = "Loud"', "expected words of lower-case letters"),
        ('name = "fine"\n    views = (("tokens",),)', "names 'tokens' in views"),
        ('name = "fine"\n    views = "input_ids"', "expected a tuple of tuples"),
        ('name = "fine"\n    requires = ("gpu",)', "names 'gpu' in requires"),
        ('name = "fine"\n    severity = "error"', "expected a Severity"),
        ('name = "fine"\n    usual = {"": ("bad",)}', "does not map a case to (Effect, text)"),
        ('name = "fine"\n    reads = "source"', "has a reads that is no tuple of texts"),
    ],
)
def test_a_rule_that_cannot_be_used_is_a_fault(here: Path, body: str, says: str) -> None:
    """A rule that cannot be used is a fault."""
    look = "    def look(self, batch): ...\n"
    module(here, f"from pretok_schemas import RowRule\nclass Mine(RowRule):\n    {body}\n{look}")
    declare(here, DECLARED)
    write(here / "data/a.parquet", clean_rows())
    assert says in faults(here)


def test_an_abstract_rule_is_a_fault(here: Path) -> None:
    """An abstract rule is a fault."""
    module(here, 'from pretok_schemas import RowRule\nclass Mine(RowRule):\n    name = "mine"\n')
    declare(here, DECLARED)
    write(here / "data/a.parquet", clean_rows())
    assert "lacks look" in faults(here)


ERRORS = {
    "raises": ('raise KeyError("gone")', "KeyError: 'gone'"),
    "returns nothing": ("return None", "it returned NoneType; expected Hits"),
    "too many": ("return [True] * (batch.rows + 1)", "truth values for the 6 rows"),
    "outside": ("return [batch.rows]", "the rows of hits must rise, each once, from 0 to below 6"),
    "undeclared view": ('batch.view("labels")', "the columns it names are: input_ids"),
    "undeclared column": ('batch.column("s")', "it must name it in reads"),
}


@pytest.mark.parametrize("error", ERRORS)
def test_a_rule_that_goes_wrong_fails_and_others_judge(run: Run, here: Path, error: str) -> None:
    """A rule that goes wrong fails and others judge."""
    workers = "-n2" if error == "raises" else ""
    body, says = ERRORS[error]
    module(
        here,
        f"""
        from pretok_schemas import rule

        @rule(severity="warning")
        def wrong(batch):
            {body}

        @rule
        def sound(batch):
            return [0]
        """,
    )
    declare(here, DECLARED)
    write(here / "data/a.parquet", clean_rows())
    ran = run("--pretok-data=.", "--pretok-report=report.json", workers)
    assert ran.code == 1
    assert failed_ids(ran) == {f"pyproject.toml::sft::{n}[train]" for n in ("wrong", "sound")}
    assert "wrong: no verdict" in ran.text
    assert ("Traceback (most recent call last):" in ran.text) == ("return" not in body)
    assert says in ran.text
    assert "INTERNALERROR" not in ran.text
    rules = report(here)
    assert rules["wrong"]["outcome"] == "not-evaluated"
    assert says in str(rules["wrong"]["reason"])
    assert rules["sound"]["violations"] == 1
    assert rules["label-not-input-id"]["outcome"] == "passed"


BROKEN = {
    "constructor": "def __init__(self, *args): raise OSError('no disk')",
    "survey": "def survey(self, batch): raise OSError('no disk')",
    "counts": "def survey(self, batch): raise OSError('no disk')",
    "conclude": "def conclude(self, counts, facts): raise OSError('no disk')",
    "severity": "def severity_of(self, counts, facts): raise OSError('no disk')",
}


@pytest.mark.parametrize("method", BROKEN)
def test_errors_of_a_rule_about_splits(run: Run, here: Path, method: str) -> None:
    """Errors of a rule about splits."""
    module(
        here,
        f"""
        from pretok_schemas import SplitRule

        class Base(SplitRule):
            def survey(self, batch): return {{"rows": batch.rows}}
            def conclude(self, counts, facts): return None

        class Wrong(Base):
            name = "wrong"
            views = (("input_ids",),)
            {BROKEN[method]}
        """,
    )
    declare(here, DECLARED)
    write(here / "data/a.parquet", clean_rows())
    ran = run("--pretok-data=.")
    assert ran.code == 1
    assert failed_ids(ran) == {"pyproject.toml::sft::wrong[train]"}
    assert "OSError: no disk" in ran.text


def test_errors_of_a_rule_about_files(run: Run, here: Path) -> None:
    """Errors of a rule about files."""
    module(
        here,
        """
        from pretok_schemas import FileRule

        class Wrong(FileRule):
            name = "wrong"
            def look_at_files(self, shards, names): return shards[0].nothing
        """,
    )
    declare(here, DECLARED)
    write(here / "data/a.parquet", clean_rows())
    ran = run("--pretok-data=.")
    assert ran.code == 1
    assert "no attribute 'nothing'" in ran.text


def test_rules_from_a_hook(run: Run, here: Path, workers: str) -> None:
    """Rules from a hook."""
    module(here)
    (here / "conftest.py").write_text(
        "from my_checks import begins_with_marker\n"
        "def pytest_pretok_rules(config):\n    return [begins_with_marker]\n"
        "def pytest_pretok_report(report, config):\n"
        "    found = [r for d in report['datasets'] for s in d['splits'] for r in s['rules']]\n"
        "    print('HOOK', report['version'], sum(r['outcome'] == 'failed' for r in found))\n",
        encoding="utf-8",
    )
    write(here / "data/a.parquet", marked_rows())
    ran = run("--pretok-data=data", "-s", workers, "-k", "marker or label", subprocess=True)
    assert failed_ids(ran) == {"data/a.parquet::begins-with-marker"}
    assert sum("HOOK 1 1" in line for line in ran.lines) == 1


def test_a_hook_cannot_change_the_report(run: Run, here: Path) -> None:
    """A hook cannot change the report."""
    (here / "conftest.py").write_text(
        "def pytest_pretok_report(report, config):\n    report['datasets'].clear()\n",
        encoding="utf-8",
    )
    write(here / "data/a.parquet", clean_rows())
    assert run("--pretok-data=data", "--pretok-report=report.json", subprocess=True).code == 0
    assert "label-not-input-id" in report(here)


def test_a_rule_of_a_hook_that_no_other_process_finds(run: Run, here: Path) -> None:
    """A rule of a hook that no other process finds."""
    (here / "conftest.py").write_text(
        "def pytest_pretok_rules(config):\n"
        "    from pretok_schemas import rule\n"
        "    @rule\n"
        "    def inner(batch):\n        return []\n"
        "    return [inner]\n",
        encoding="utf-8",
    )
    write(here / "data/a.parquet", clean_rows())
    ran = run("--pretok-data=data", subprocess=True)
    assert ran.code == 4
    assert "inner stands in no module; define it at the top of one" in ran.text


def test_rules_of_an_installed_package(
    run: Run, here: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules of an installed package."""
    site = tmp_path_factory.mktemp("site")
    module(site, name="house_rules")
    info = site / "house_rules-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: house-rules\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[pytest_pretok.rules]\nhouse = house_rules:begins_with_marker\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(site))
    write(here / "data/a.parquet", marked_rows())
    ran = run("--pretok-data=data", subprocess=True)
    assert failed_ids(ran) == {"data/a.parquet::begins-with-marker"}
    assert "short-split" not in run("--pretok-data=data", "--co", "-q", subprocess=True).text
    script = "from pytest_pretok import check; import pyarrow.parquet as pq\n"
    script += "for data in ('data/a.parquet', pq.read_table('data/a.parquet')):\n"
    script += "    print([one.rule for one in check(data).failed])\n"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["['begins-with-marker']"] * 2


def test_code_named_by_a_declaration_within_data_is_not_imported(run: Run, here: Path) -> None:
    """Code named by a declaration within data is not imported."""
    data = here / "data"
    module(here, "open('ran', 'w').close()\n")
    declare(here, "[project]\nname = 'x'\n")
    write(data / "a.parquet", clean_rows())
    for key in ('plugins = ["evil"]', 'schema = "evil:Rows"'):
        declare(data, f"[tool.pretok]\n{key}\n")
        (data / "evil.py").write_text("open('ran', 'w').close()\n", encoding="utf-8")
        assert "at or above the working directory only" in faults(data, here)
        ran = run("--pretok-data=data", subprocess=True)
        assert ran.code == 2
        assert "at or above the working directory only" in ran.text
        assert not list(here.rglob("ran"))


def test_a_declaration_above_the_working_directory_may_name_code(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A declaration above the working directory may name code."""
    module(here)
    declare(here, DECLARED)
    write(here / "data/a.parquet", marked_rows())
    monkeypatch.chdir(here / "data")
    ran = run("--pretok-data=.", subprocess=True)
    assert ran.code == 1
    assert "begins-with-marker" in ran.text


def test_two_modules_of_one_name(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two modules of one name."""
    inner = here / "inner"
    module(here)
    declare(here, DECLARED)
    write(here / "data/a.parquet", clean_rows())
    inner.mkdir()
    module(inner)
    declare(inner, '[tool.pretok]\nplugins = ["my_checks"]\n')
    write(inner / "data/b.parquet", clean_rows())
    monkeypatch.chdir(inner)
    ran = run(f"--pretok-data={here / 'data'}", "--pretok-data=data", subprocess=True)
    assert ran.code == 2
    assert "my_checks is another module already" in ran.text


def test_further_columns_in_every_container(run: Run, here: Path) -> None:
    """Further columns in every container."""
    module(
        here,
        """
        from pretok_schemas import rule

        @rule(reads=["source"], columns=[])
        def known_source(batch):
            \"\"\"The source is unknown.\"\"\"
            return [s.as_py() == "bad" for s in batch.column("source")]
        """,
    )
    declare(here, '[tool.pretok]\nplugins = ["my_checks"]\n')
    rows = [{**row, "source": "bad" if n == 3 else "ok"} for n, row in enumerate(clean_rows())]
    table = pa.Table.from_pylist(rows)
    for name in ("a.parquet", "b.arrow"):
        write(here / "data" / name, table)
    write(here / "data/c.jsonl", rows)
    (here / "data/d.json").write_text(json.dumps(rows), encoding="utf-8")
    ran = run("--pretok-data=data")
    assert failed_ids(ran) == {
        f"data/{name}::known-source" for name in ("a.parquet", "b.arrow", "c.jsonl", "d.json")
    }
    assert ran.text.count("known-source: 1 of 6 rows") == 4
    assert ran.text.count("(train[3])") == 4


def test_a_further_column_that_is_not_there_is_no_pass(run: Run, here: Path) -> None:
    """A further column that is not there is no pass."""
    module(
        here,
        """
        from pretok_schemas import rule

        @rule(reads=["source"])
        def known_source(batch):
            return [s.as_py() == "bad" for s in batch.column("source")]
        """,
    )
    declare(here, DECLARED)
    write(here / "data/a.parquet", clean_rows())
    ran = run("--pretok-data=.")
    assert ran.code == 1
    assert "LookupError: the file has no column 'source'" in ran.text


def test_every_violation_of_a_rule_of_ones_own_is_written(
    run: Run, here: Path, workers: str
) -> None:
    """Every violation of a rule of one's own is written."""
    module(here)
    declare(here, DECLARED)
    write(here / "data/a.parquet", marked_rows())
    run("--pretok-data=.", "--pretok-violations=all.parquet", workers)
    rows = pq.read_table(here / "all.parquet").to_pylist()
    assert [(r["rule"], r["row"], r["position"], r["found"]) for r in rows] == [
        ("begins-with-marker", 2, 0, "9"),
        ("begins-with-marker", 4, 0, "9"),
    ]


def test_reports_know_the_rule(run: Run, here: Path) -> None:
    """Reports know the rule."""
    module(here)
    declare(here, DECLARED)
    write(here / "data/a.parquet", marked_rows())
    run(
        "--pretok-data=.",
        "--pretok-report=r.sarif",
        "--pretok-report=r.html",
        "--pretok-report=r.md",
    )
    sarif = json.loads((here / "r.sarif").read_text(encoding="utf-8"))["runs"][0]
    rules = sarif["tool"]["driver"]["rules"]
    (result,) = sarif["results"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "begins-with-marker"
    told = rules[result["ruleIndex"]]["shortDescription"]["text"]
    assert told == "A row does not begin with the marker."
    page = (here / "r.html").read_text(encoding="utf-8")
    assert "A row does not begin with the marker" in page
    assert "begins-with-marker" in (here / "r.md").read_text(encoding="utf-8")


def test_known_findings_of_a_rule_of_ones_own(run: Run, here: Path) -> None:
    """Known findings of a rule of one's own."""
    module(here)
    declare(here, DECLARED + '    baseline = "known.json"\n')
    write(here / "data/a.parquet", marked_rows())
    assert run("--pretok-data=.", "--pretok-update-baseline").code == 0
    assert run("--pretok-data=.").code == 0
    rows = marked_rows()
    rows[5]["input_ids"][0] = 9
    write(here / "data/a.parquet", rows)
    ran = run("--pretok-data=.")
    assert failed_ids(ran) == {"pyproject.toml::sft::begins-with-marker[train]"}


def test_saved_folders(run: Run, here: Path) -> None:
    """Saved folders."""
    module(here)
    declare(here, DECLARED.replace("data/a.parquet", "data"))
    write_saved(here / "data", {"train": clean_rows(), "test": marked_rows()})
    ran = run("--pretok-data=.", "-k", "marker")
    assert failed_ids(ran) == {"pyproject.toml::sft::begins-with-marker[test]"}


def test_a_rule_without_an_option_that_it_needs(run: Run, here: Path) -> None:
    """A fault of a declared dataset; of undeclared data where that is found."""
    module(
        here,
        """
        from pretok_schemas import rule

        @rule
        def needy(batch, *, number: int):
            return []
        """,
    )
    declare(here, DECLARED)
    write(here / "data/a.parquet", clean_rows())
    assert "rules.needy: needs the option 'number'" in faults(here)
    declare(here, DECLARED + "rules = { needy = 'off' }\n")
    assert run("--pretok-data=pyproject.toml").code == 0
    declare(here, DECLARED + "rules = { needy = { number = 3 } }\n")
    assert run("--pretok-data=pyproject.toml").code == 0
    write(here / "other/b.parquet", clean_rows())
    ran = run("--pretok-data=other", subprocess=True)
    assert ran.code == 4
    assert "needy needs the option 'number'; declare the dataset, or give it" in ran.text


def test_a_rule_that_gives_no_help(here: Path) -> None:
    """Its page ends with what it checks."""
    module(here, "from pretok_schemas import rule\n\n@rule\ndef terse(batch):\n    'A row.'\n")
    declare(here, DECLARED)
    done = CliRunner().invoke(main, ["explain", "terse"])

    assert done.exit_code == 0
    assert done.output.strip() == "# terse\n\nA row.\n\nFamily custom, error."


def test_what_the_commands_say(here: Path) -> None:
    """A rule of one's own has a page, a line in the list, and its options in the overview."""
    module(here)
    declare(here, DECLARED + "rules = { begins-with-marker = { marker = 9 } }\n")
    write(here / "data/a.parquet", clean_rows())
    for words, says in (
        (
            ["explain", "begins-with-marker"],
            "A row does not begin with the marker.\n\nFamily custom",
        ),
        (["explain", "begins-with-marker"], "**Option** `marker`, `1` if not given."),
        (["rules"], "short-split"),
        (["config"], "declared: begins-with-marker marker = 9"),
        (["config"], "plugins = my_checks"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "pytest_pretok", *words],
            cwd=here,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert says in done.stdout
