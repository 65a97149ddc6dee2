"""The published schema and the plugin refuse the same tables, as validate-pyproject reads them."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from validate_pyproject.api import Validator
from validate_pyproject.errors import ValidationError

from pretok_schemas.rules import NAMES
from pretok_schemas.trainers import names
from pytest_pretok.declaration import read_declaration
from pytest_pretok.declaration.tables import keys
from pytest_pretok.faults import DeclarationError
from pytest_pretok.json_schema import declaration_schema, file_schema
from pytest_pretok.report.schema import report_schema
from pytest_pretok.settings import DatasetSettings, Defaults

README = Path(__file__).parents[2] / "README.md"

# By key: values in TOML that the plugin takes, and values that it refuses. A tokenizer's file has
# to be there, which no schema knows: its one value is of a wrong type.
VALUES: dict[str, tuple[list[str], list[str]]] = {
    "contract": (["'axolotl'", "'transformers'"], ["'axolotle'", "''", "1"]),
    "packing": (["true", "false"], ["1", "'yes'"]),
    "collator": ([], ["'padding'", "true"]),
    "sequence-len": (["1", "4096"], ["0", "-1", "'5'", "true", "1.5", "[5]"]),
    "min-sample-len": (["2"], ["0", "'2'"]),
    "excess-length": (["'drop'", "'truncate'", "'raise'"], ["'cut'", "false"]),
    "tokenizer": ([], ["5", "['a']"]),
    "vocab-size": (["32000"], ["0", "'big'"]),
    "bos-token-id": (["0", "1"], ["-1", "'<s>'"]),
    "eos-token-ids": (["2", "[2]", "[1, 2]"], ["[]", "-2", "[-2]", "'</s>'", "[2, 'x']", "true"]),
    "pad-token-id": (["0"], ["-1", "0.5"]),
    "baseline": (["'known.json'"], ["''", "5", "'s3://b/known.json'"]),
    "micro-batch-size": (["1"], ["0", "'1'"]),
    "columns": (
        ["{}", "{ input_ids = 'tokens' }"],
        ["{ ids = 'tokens' }", "{ labels = 1 }", "'tokens'"],
    ),
    "rules": (
        [
            "{}",
            "{ too-long = 'error', no-rows = 'off' }",
            "{ too-long = { severity = 'warning', max-share = 0.5 } }",
            "{ too-long = { max-rows = 0 }, no-rows = { max-share = 1 } }",
        ],
        [
            "{ too-lang = 'off' }",
            "{ too-long = 'warn' }",
            "{ too-long = 1 }",
            "{ too-long = { max-row = 1 } }",
            "{ too-long = { max-rows = -1 } }",
            "{ too-long = { max-share = 1.5 } }",
            "{ too-long = { max-share = 0.5, max-rows = 1 } }",
            "{ too-long = { severity = 'loud' } }",
            "['too-long']",
        ],
    ),
    "path": (
        [
            *("'a/*.parquet'", "'we[1].parquet'", "'~/a'", "'C:/a'", "'s3://b/t-*.parquet'"),
            *("'https://h/a.parquet?x=*'", "'hf://datasets/a/b@main/x'", "'abfs://c@a.net/x'"),
        ],
        ["''", "5", "'ftp://b/a.parquet'", '"a\\u0000b"', "['a']", "'hf://a/b'", "'http://h/*.gz'"],
    ),
    "splits": (
        ["{ train = 'a', test-2 = 'b' }"],
        ["{}", "{ 'a b' = 'c' }", "{ train = '' }", "{ train = 5 }", "'a'", "{ a = 's3://' }"],
    ),
    "trainer-config": ([], ["5", "''", "[5]", "['']", "'hf://a/b.yml'"]),
    "sequence_len": ([], ["5"]),
    "schema": (["'tests.support.own_rules:SCHEMA'"], ["5", "''", "'a.b'", "':b'", "['a:B']"]),
    "plugins": ([], ["5", "'a'", "[5]", "['']"]),
    "format": ([], ["'parquet'"]),
}
AT_TOP = [key for key in VALUES if key not in ("path", "splits")]
WHOLE = {
    "datasets": ("[tool.pretok.datasets.a]\npath = 'x'\n[tool.pretok.datasets.b]\npath = 'y'", 1),
    "collator": ("[tool.pretok]\ncontract = 'transformers'\ncollator = 'seq2seq'", 1),
    "empty": ("[tool.pretok]", 1),
    "no-path": ("[tool.pretok.datasets.a]\npacking = true", 0),
    "both": ("[tool.pretok.datasets.a]\npath = 'x'\nsplits = { a = 'y' }", 0),
    "name": ("[tool.pretok.datasets.'a::b']\npath = 'x'", 0),
    "path-at-top": ("[tool.pretok]\npath = 'x'", 0),
    "config-below": ("[tool.pretok.datasets.a]\npath = 'x'\ntrainer-config = 'a.yml'", 0),
    "plugins": ("[tool.pretok]\nplugins = ['tests.support.own_rules']", 1),
    "plugins-none": ("[tool.pretok]\nplugins = []", 1),
    "plugins-below": ("[tool.pretok.datasets.a]\npath = 'x'\nplugins = ['json']", 0),
    "own-rule": (
        "[tool.pretok]\nplugins = ['tests.support.own_rules']\nrules = { never = { most = 3 } }",
        1,
    ),
    "unknown-rule": ("[tool.pretok]\nrules = { never = 'off' }", 0),
    "unknown-rule-below": (
        "[tool.pretok.datasets.a]\npath = 'x'\nrules = { never = 'off' }",
        0,
    ),
    "schema-rules": (
        (
            "[tool.pretok]\nschema = 'tests.support.own_rules:SCHEMA'\n"
            "rules = { schema = 'warning', 'schema.source.dtype' = { max-rows = 1 } }"
        ),
        1,
    ),
    "no-table": ("[tool.pretok]\ndatasets = 5", 0),
    "dataset-no-table": ("[tool.pretok.datasets]\na = 'x'", 0),
    "no-tables-at-all": ("tool.pretok = 5", 0),
}


@pytest.fixture(scope="module")
def validate() -> Validator:
    """The validator as its own command makes it: our schema comes by its entry point."""
    return Validator()


def accepts(validate: Validator, text: str) -> bool:
    """The verdict of validate-pyproject."""
    try:
        validate(tomllib.loads(text))
    except ValidationError:
        return False
    return True


def reads(folder: Path, text: str) -> bool:
    """The verdict of the plugin."""
    file = folder / "pyproject.toml"
    file.write_text(text, encoding="utf-8")
    try:
        return read_declaration(file, NAMES, names(), cwd=folder) is not None
    except DeclarationError:
        return False


def one_dataset(key: str, value: str) -> str:
    """A dataset with one more key."""
    place = "" if key in ("path", "splits") else "path = 'x'\n"
    return f"[tool.pretok.datasets.a]\n{place}{key} = {value}\n"


def cases(good: bool) -> Iterator[str]:
    """Declarations with one value of VALUES, in a dataset and at the top."""
    for key, values in VALUES.items():
        for value in values[0 if good else 1]:
            yield one_dataset(key, value)
            if key in AT_TOP:
                yield f"[tool.pretok]\n{key} = {value}\n"


def test_every_key_has_values() -> None:
    """The lists above speak of every key that there is."""
    assert {*keys(Defaults), *keys(DatasetSettings), "trainer-config"} <= VALUES.keys()


@pytest.mark.parametrize("good", [True, False], ids=["right", "wrong"])
def test_one_verdict(validate: Validator, tmp_path: Path, good: bool) -> None:
    """Schema and plugin take what is right, and refuse what is wrong, value by value."""
    texts = list(cases(good))

    assert len(texts) > 30
    assert [t for t in texts if accepts(validate, t) is not good] == []
    assert [t for t in texts if reads(tmp_path, t) is not good] == []


@pytest.mark.parametrize(("text", "good"), WHOLE.values(), ids=WHOLE)
def test_one_verdict_on_tables(validate: Validator, tmp_path: Path, text: str, good: int) -> None:
    """So they do with whole tables."""
    assert (accepts(validate, text), reads(tmp_path, text)) == (bool(good), bool(good))


@st.composite
def declarations(draw: st.DrawFn) -> str:
    """A few keys with any of their values, at the top and in a dataset."""
    values = {key: [*good, *bad] for key, (good, bad) in VALUES.items()}
    lines = ["[tool.pretok]"]
    for key in draw(st.lists(st.sampled_from(AT_TOP), max_size=3, unique=True)):
        lines.append(f"{key} = {draw(st.sampled_from(values[key]))}")
    lines.append("[tool.pretok.datasets.a]")
    for key in draw(st.lists(st.sampled_from(list(VALUES)), max_size=4, unique=True)):
        lines.append(f"{key} = {draw(st.sampled_from(values[key]))}")
    return "\n".join(lines)


def test_one_verdict_on_any_table(
    validate: Validator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever keys and values come together, both say the same."""
    folder = tmp_path_factory.mktemp("declared")

    @given(declarations())
    def same(text: str) -> None:
        assert accepts(validate, text) is reads(folder, text)

    same()


def test_the_command(tmp_path: Path) -> None:
    """The command that editors and hooks run finds the schema, and names the key at fault."""
    file = tmp_path / "pyproject.toml"
    file.write_text("[tool.pretok]\nsequence-len = 0\n", encoding="utf-8")
    words = [sys.executable, "-m", "validate_pyproject", str(file)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "tool.pretok.sequence-len" in done.stdout + done.stderr


def test_the_schema_of_the_file() -> None:
    """Editors that take one schema a file see the same faults, and none in other tables."""
    validator = jsonschema.Draft7Validator(file_schema())

    for good in (True, False):
        texts = list(cases(good))
        assert [t for t in texts if validator.is_valid(tomllib.loads(t)) is not good] == []
    assert validator.is_valid({"project": {"x": 1}, "tool": {"other": 5}})


def undescribed(schema: Any, place: str = "") -> list[str]:
    """Keys of a schema, at any depth, that say nothing of their meaning."""
    if isinstance(schema, list):
        return [one for entry in schema for one in undescribed(entry, place)]
    if not isinstance(schema, dict):
        return []
    properties = schema.get("properties", {})
    found = [f"{place}.{key}" for key, value in properties.items() if not value.get("description")]
    for key, value in schema.items():
        if key == "else":
            continue  # it narrows what is described already
        inner = value if key == "properties" else {"": value}
        for name, one in inner.items():
            found += undescribed(one, f"{place}.{name}" if name else place)
    return found


@pytest.mark.parametrize("schema", [declaration_schema(), report_schema()], ids=["toml", "report"])
def test_every_key_is_described(schema: dict[str, Any]) -> None:
    """An editor has a word on every key."""
    assert undescribed({"properties": {"x": {}}}) == [".x"]
    assert undescribed(schema) == []


def test_the_readme_has_every_key() -> None:
    """The table of keys in the README leaves none out."""
    rows = [line for line in README.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    named = {word for row in rows for word in row.split("|")[1].replace("`", " ").split()}
    told = {word.strip(",") for word in named}

    assert set(keys(DatasetSettings)) - told == set()
