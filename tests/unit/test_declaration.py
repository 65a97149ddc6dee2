"""``[tool.pretok]``: what is accepted, what is refused, and how a refusal reads."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from pytest_pretok.declaration import read_declaration
from pytest_pretok.declared import Declaration, has_declaration
from pytest_pretok.faults import LATER, DeclarationError
from pytest_pretok.settings import DatasetSettings, undeclared

RULES = ("too-long", "duplicate-rows", "label-not-input-id")
CONTRACTS = ("axolotl",)

FULL = """\
[tool.pretok]
contract = "axolotl"
vocab-size = 100
rules = { too-long = "error", duplicate-rows = "off" }
columns = { labels = "targets" }

[tool.pretok.datasets.sft]
splits = { train = "a/*.parquet", test = "b.jsonl" }
packing = true
sequence-len = 4096
min-sample-len = 8
excess-length = "truncate"
bos-token-id = 1
eos-token-ids = 2
pad-token-id = 0
columns = { input_ids = "tokens" }
rules = { duplicate-rows = { severity = "warning", max-share = 0.5 } }

[tool.pretok.datasets.other]
path = "c"
"""


def read(folder: Path, text: str) -> Declaration | None:
    """Read a declaration of this text."""
    file = folder / "pyproject.toml"
    file.write_text(text, encoding="utf-8")
    return read_declaration(file, RULES, CONTRACTS)


def faults(folder: Path, text: str) -> list[tuple[int | None, str]]:
    """Line and text of each fault."""
    with pytest.raises(DeclarationError) as caught:
        read(folder, text)
    return [(fault.line, str(fault).split(": ", 1)[1]) for fault in caught.value.faults]


def test_full_declaration(tmp_path: Path) -> None:
    """Keys at the top are defaults; rules and columns are merged, all else is replaced."""
    declaration = read(tmp_path, FULL)

    assert declaration is not None
    sft, other = declaration.datasets
    assert (sft.name, sft.line, other.name, other.line) == ("sft", 7, "other", 19)
    assert sft.splits == {"train": "a/*.parquet", "test": "b.jsonl"}
    assert (sft.packing, sft.sequence_len, sft.min_sample_len) == (True, 4096, 8)
    assert (sft.bos_token_id, sft.eos_token_ids, sft.pad_token_id) == (1, (2,), 0)
    assert sft.columns == {"labels": "targets", "input_ids": "tokens"}
    assert sft.rules["too-long"].severity == "error"
    assert (sft.rules["duplicate-rows"].severity, sft.rules["duplicate-rows"].max_share) == (
        "warning",
        0.5,
    )
    assert (other.path, other.packing, other.vocab_size) == ("c", False, 100)
    assert other.rules["duplicate-rows"].severity == "off"


def test_settings_cross_processes(tmp_path: Path) -> None:
    """Settings become builtins that JSON keeps whole, and come back equal."""
    declaration = read(tmp_path, FULL)

    assert declaration is not None
    for settings in declaration.datasets:
        assert settings == DatasetSettings.from_dict(json.loads(json.dumps(settings.to_dict())))


def test_undeclared_data_takes_the_defaults(tmp_path: Path) -> None:
    """Data without a declaration of its own has the top-level keys."""
    declaration = read(tmp_path, FULL)

    assert declaration is not None
    settings = undeclared(declaration.defaults, "data/x.parquet")
    assert (settings.name, settings.vocab_size, settings.packing) == ("data/x.parquet", 100, False)
    assert undeclared(None, "x") == DatasetSettings.from_dict({"name": "x"})


def test_no_table(tmp_path: Path) -> None:
    """A file without the table is no declaration."""
    assert read(tmp_path, "[tool.other]\nx = 1\n") is None
    assert read(tmp_path, "tool = 1\n") is None


@pytest.mark.parametrize(
    "text",
    [
        "[tool.pretok]\n",
        "[ tool . pretok ]\n",
        "[tool]\npretok = { vocab-size = 5 }\n",
        "tool.pretok.vocab-size = 5\n",
        "[\"tool\".'pretok']\n",
        '["to\\u006fl"."pr\\U00000065tok"]\n',
        "[tool.pretok.datasets.x]\npath = 'y'\n",
    ],
)
def test_every_spelling_is_noticed(tmp_path: Path, text: str) -> None:
    """The cheap look never misses a table that the parser finds."""
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")

    assert has_declaration(tmp_path / "pyproject.toml")
    assert read(tmp_path, text) is not None


@pytest.mark.parametrize(("number", "noticed"), [(errno.EACCES, True), (errno.ENOENT, False)])
def test_a_file_that_cannot_be_read_is_noticed(
    monkeypatch: pytest.MonkeyPatch, number: int, noticed: bool
) -> None:
    """A declaration that may be there is not passed over: reading it says what is wrong."""

    def refuse(*_: object, **how: object) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(Path, "stat", refuse)

    assert has_declaration(Path("pyproject.toml")) is noticed
    with pytest.raises(DeclarationError, match="cannot be read: refused"):
        read_declaration(Path("pyproject.toml"), RULES, CONTRACTS)


DATASET = "[tool.pretok.datasets.x]\npath = 'y'\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("sequence_len = 5", 3, "sequence_len: unknown key; did you mean 'sequence-len'?"),
        ("sequence-len = 0", 3, "sequence-len: found 0, expected a number >= 1"),
        ("sequence-len = true", 3, "sequence-len: found True, expected a whole number"),
        ("sequence-len = '5'", 3, "sequence-len: found '5', expected a whole number"),
        ("packing = 1", 3, "packing: found 1, expected true or false"),
        ("contract = 'axolot'", 3, "unknown contract 'axolot'; did you mean 'axolotl'?"),
        ("contract = 'zzz'", 3, "unknown contract 'zzz'; known: axolotl"),
        ("zzz = 1", 3, "zzz: unknown key; known: contract, packing, collator, sequence-len,"),
        (f"{'z' * 999} = 1", 3, "zzz...: unknown key"),
        (f"packing = 0x{'f' * 5000}", 3, "found a number of thousands of digits"),
        ("contract = 5", 3, "contract: found 5, expected text in quotes"),
        ("excess-length = 'cut'", 3, "found 'cut', expected one of 'drop', 'truncate' or 'raise'"),
        ("eos-token-ids = []", 3, "eos-token-ids: found [], expected at least one id"),
        ("eos-token-ids = true", 3, "found True, expected a whole number, or a list of them"),
        ("eos-token-ids = [-1]", 3, "eos-token-ids.0: found -1, expected a number >= 0"),
        ("eos-token-ids = [2, 'x']", 3, "found 'x', expected a whole number"),
        ("rules = { too-lang = 'off' }", 3, "too-lang: unknown rule; did you mean 'too-long'?"),
        ("rules = { too-long = 'loud' }", 3, "found 'loud', expected one of 'error', 'warning'"),
        ("rules = { too-long = 5 }", 3, "expected a severity in quotes, or a table"),
        ("rules = { too-long = { max-row = 5 } }", 3, "unknown key; did you mean 'max-rows'?"),
        ("rules = { too-long = { zzz = 5 } }", 3, "max-share; this rule has no options of its own"),
        ("rules = { too-long = { max-share = 2 } }", 3, "expected a number <= 1"),
        ("rules = { too-long = { max-share = true } }", 3, "found True, expected a number"),
        ("rules = { too-long = { max-share = '1' } }", 3, "found '1', expected a number"),
        ("rules = { too-long = { max-rows = 1, max-share = 0.1 } }", 3, "has both"),
        ("columns = { input_id = 'x' }", 3, "unknown column; did you mean 'input_ids'?"),
        ("columns = { input_ids = 'x', labels = 'x' }", 3, "two columns cannot have one name"),
        ("columns = { labels = 'input_ids' }", 3, "cannot have one name: input_ids and labels"),
        ("splits = { train = 'x' }", 1, "has both path and splits"),
        ("vocab-size = 5\npad-token-id = 5", 4, "pad-token-id: 5 is not below vocab-size = 5"),
        ("name = 'x'", 3, "name: unknown key"),
    ],
)
def test_faults(tmp_path: Path, text: str, line: int, message: str) -> None:
    """A fault names its line, its key, what was found and what is allowed."""
    found = faults(tmp_path, f"{DATASET}{text}\n")

    assert len(found) == 1
    assert found[0][0] == line
    assert message in found[0][1]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[tool.pretok.datasets.x]\n", 1, "needs path or splits"),
        ("[tool.pretok.datasets.x]\nsplits = {}\n", 2, "no split is named"),
        ("[tool.pretok.datasets.x]\nsplits = ''\n", 2, "found '', expected a table"),
        ('[tool.pretok.datasets.x]\npath = "a\\u0000"\n', 2, "can hold a null character"),
        ("[tool.pretok]\npath = 'x'\n", 2, "it belongs to one dataset"),
        ("[tool.pretok.datasets.x]\nsplits = { 'a[b' = 'c' }\n", 2, "the name may hold"),
        ("[tool.pretok.datasets.x]\npath = ''\n", 2, "the path is empty"),
        ("[tool.pretok.datasets.x]\npath = 'ftp://b/c'\n", 2, "ftp:// is not supported"),
        ("[tool.pretok.datasets.x]\npath = 's3://'\n", 2, "names nothing behind s3://"),
        ("[tool.pretok.datasets.x]\npath = 'hf://gpt2/x'\n", 2, "is hf://datasets/ORG/NAME"),
        ("[tool.pretok.datasets.x]\npath = 'http://h/*.gz'\n", 2, "takes no pattern"),
        ("[tool.pretok]\nbaseline = 's3://b/c'\n", 2, "only data may be remote"),
        ("[tool.pretok.datasets.'a::b']\npath = 'c'\n", 1, "the name 'a::b' may hold"),
        ("[tool.pretok]\ndatasets = 5\n", 2, "found 5, expected tables by name"),
        ("[tool.pretok]\ndatasets.x = 5\n", 2, "found 5, expected a table"),
        ("[tool]\npretok = 5\n", 2, "found 5, expected a table"),
    ],
)
def test_faults_of_tables(tmp_path: Path, text: str, line: int, message: str) -> None:
    """Tables that are missing, misnamed or no tables are faults with a line."""
    found = faults(tmp_path, text)

    assert [line] == [at for at, _ in found]
    assert message in found[0][1]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("rules = 'error'", 2, "rules: found 'error', expected a table"),
        ("columns = 5", 2, "columns: found 5, expected a table"),
        ("packing = 1", 2, "packing: found 1, expected true or false"),
        ("vocab-size = 5\npad-token-id = 9", 3, "pad-token-id: 9 is not below vocab-size = 5"),
        ("rules = { too-long = { max-rows = 1, max-share = 0.5 } }", 2, "has both"),
        ("columns = { labels = 'x', input_ids = 'x' }", 2, "cannot have one name"),
    ],
)
@pytest.mark.parametrize("datasets", ["", DATASET, DATASET + DATASET.replace(".x]", ".y]")])
def test_faults_of_defaults(
    tmp_path: Path, datasets: str, text: str, line: int, message: str
) -> None:
    """A fault of the defaults is told once, where it stands, however many datasets follow."""
    found = faults(tmp_path, f"[tool.pretok]\n{text}\n{datasets}")

    assert [at for at, _ in found] == [line]
    assert message in found[0][1]


@pytest.mark.parametrize(
    ("default", "own", "message"),
    [
        ("vocab-size = 5", "bos-token-id = 5", "bos-token-id: 5 is not below vocab-size = 5"),
        ("columns = { labels = 't' }", "columns = { input_ids = 't' }", "cannot have one name"),
    ],
)
def test_faults_of_the_whole(tmp_path: Path, default: str, own: str, message: str) -> None:
    """Defaults and a dataset's own keys must fit together: told at the dataset's key."""
    found = faults(tmp_path, f"[tool.pretok]\n{default}\n{DATASET}{own}\n")

    assert [line for line, _ in found] == [5]
    assert message in found[0][1]


@pytest.mark.parametrize("key", LATER)
@pytest.mark.parametrize("table", ["[tool.pretok]\n", DATASET])
def test_planned_keys_are_refused(tmp_path: Path, table: str, key: str) -> None:
    """What a later version will know is never ignored by this one."""
    found = faults(tmp_path, f"{table}{key} = 'x'\n")

    assert len(found) == 1
    assert f"{key}: planned, but not supported yet" in found[0][1]


def test_all_faults_at_once(tmp_path: Path) -> None:
    """Every fault of a file is told in one go, in the order of lines."""
    found = faults(
        tmp_path,
        "[tool.pretok]\npacking = 1\n[tool.pretok.datasets.a]\npath = 'ftp://x'\nbad = 1\n"
        "[tool.pretok.datasets.b]\nsequence-len = 0\n",
    )

    assert [line for line, _ in found] == [2, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        (b"[tool.pretok]\ncontract = 'x\n", "no valid TOML", 2),
        (b"[tool.pretok]\n# \xff\n", "the file is not UTF-8", 2),
        (b"\xef\xbb\xbf[tool.pretok]\n", "it begins with a byte order mark", 1),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "nested too deeply", None),
        (b"a = " + b"1" * 5000, "a number has thousands of digits", None),
    ],
    ids=["no string", "no UTF-8", "mark", "nested", "digits"],
)
def test_broken_files(tmp_path: Path, content: bytes, message: str, line: int | None) -> None:
    """A file that is no TOML is a fault of the declaration, with its line where it is known."""
    file = tmp_path / "pyproject.toml"
    file.write_bytes(content)

    with pytest.raises(DeclarationError, match=message) as caught:
        read_declaration(file, RULES, CONTRACTS)

    assert [fault.line for fault in caught.value.faults] == [line]


def test_text_of_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole text is a headline and one line a fault, safe for a terminal."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DeclarationError) as caught:
        read(tmp_path, "[tool.pretok]\n\"pack\\u001bing\" = 1\nvocab-size = 'x'\n")

    assert str(caught.value).splitlines() == [
        "2 faults in pyproject.toml",
        "  pyproject.toml:2: [tool.pretok] pack\\x1bing: unknown key; did you mean 'packing'?",
        "  pyproject.toml:3: [tool.pretok] vocab-size: found 'x', expected a whole number",
    ]


def test_paths_that_are_folders_are_none(tmp_path: Path) -> None:
    """A folder of the name of a declaration holds none."""
    (tmp_path / "pyproject.toml").mkdir()

    assert not has_declaration(tmp_path / "pyproject.toml")
    with pytest.raises(DeclarationError, match="cannot be read"):
        read_declaration(tmp_path / "pyproject.toml", (), ())
