"""`pretok show`: the right row, read from no more than it takes, and nothing of the data's own
escapes on the terminal.
"""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from datasets import Dataset, DatasetDict
from hypothesis import given
from hypothesis import strategies as st

from pretok_schemas.trainers import load
from pytest_pretok.cli import main
from pytest_pretok.inspect.show_text import body, columns_of, legend, visible, window_of
from pytest_pretok.inspect.tokens import Fate, Token
from tests.plugin.data import clean_rows, declare, faulty_rows, table_of, write
from tests.support.toy_tokenizers import byte_level

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def run(*args: object) -> Result:
    """The command with these arguments."""
    return CliRunner().invoke(main, ["show", *map(str, args)])


def ids_in(text: str) -> list[int]:
    """The ids of a plain output, without their marks."""
    shown = text.split("\n\n")[1]
    return [int(one) for one in re.findall(r"\d+", shown)]


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    """Two Parquet shards of a split, in row groups of three."""
    found = []
    for at in range(2):
        path = tmp_path / f"train-0000{at}-of-00002.parquet"
        pq.write_table(table_of(clean_rows(10, at + 1)), path, row_group_size=3)
        found.append(path)
    return found


@pytest.mark.parametrize("row", [0, 2, 3, 9, 10, 19, -1, -10, -20])
def test_rows_of_a_split(shards: list[Path], row: int) -> None:
    """A row of a folder is counted over its shards, as a list would."""
    rows = clean_rows(10, 1) + clean_rows(10, 2)

    done = run(shards[0].parent, "--", row)

    assert done.exit_code == 0, done.output
    assert ids_in(done.output) == rows[row]["input_ids"]
    inside = row % 20
    assert f"row {inside}: " in done.output
    assert f"{shards[inside // 10].name} row {inside % 10}\n" in done.output


def test_rows_of_a_file(shards: list[Path]) -> None:
    """The rows of a file that is named are its own."""
    done = run(shards[1], "2", "-1")

    second = clean_rows(10, 2)
    first, last = done.output.split("\n\n")[1], done.output.split("\n\n")[3]
    assert ids_in(f"\n\n{first}") == second[2]["input_ids"]
    assert ids_in(f"\n\n{last}") == second[-1]["input_ids"]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".arrow", ".feather"])
@pytest.mark.parametrize("row", [0, 5, -1, -6])
def test_containers(tmp_path: Path, suffix: str, row: int) -> None:
    """Whatever counts rows or does not, the same row comes."""
    path = write(tmp_path / f"rows{suffix}", clean_rows())

    assert ids_in(run(f"{path}[{row}]").output) == clean_rows()[row]["input_ids"]


def test_brackets_name_split_and_row(tmp_path: Path) -> None:
    """PATH[SPLIT:ROW], --split, and a word before the row mean the same."""
    folder = tmp_path / "saved"
    splits = {"train": clean_rows(4, 1), "test": clean_rows(4, 2)}
    DatasetDict({k: Dataset.from_list(v) for k, v in splits.items()}).save_to_disk(folder)

    for args in ([f"{folder}[test:2]"], [folder, "test:2"], [folder, "2", "--split", "test"]):
        assert ids_in(run(*args).output) == splits["test"][2]["input_ids"]
    assert ids_in(run(folder, "2").output) == splits["train"][2]["input_ids"]


def test_a_file_that_is_really_called_so(tmp_path: Path) -> None:
    """Brackets at the end of a real file are its name."""
    rows = clean_rows()
    odd = write(tmp_path / "odd.jsonl", rows).rename(tmp_path / "odd[1]")

    assert ids_in(run(odd, "3").output) == rows[3]["input_ids"]


def test_what_comes_later_is_not_read(tmp_path: Path) -> None:
    """A broken end of a file does not keep an early row from being shown."""
    path = tmp_path / "rows.parquet"
    with pq.ParquetWriter(path, table_of(clean_rows()).schema) as writer:
        for seed in range(8):
            writer.write_table(table_of(clean_rows(60_000 // 20, seed + 1)))
    last = pq.ParquetFile(path).metadata.row_group(7).column(0)
    with path.open("r+b") as file:
        file.seek(last.data_page_offset)
        file.write(b"\xff" * 200)

    assert run(path, "5").exit_code == 0
    assert run(path, "-1").exit_code == 1
    lines = tmp_path / "rows.jsonl"
    good = "".join(json.dumps(row) + "\n" for row in clean_rows(40))
    lines.write_text(good * 1500 + "{broken\n")
    assert run(lines, "5").exit_code == 0
    assert run(lines, "-1").exit_code == 1
    assert "is cut" in run(lines, "-1").output or "not JSON" in run(lines, "-1").output


def test_what_comes_earlier_is_not_read(tmp_path: Path) -> None:
    """Nor does a broken beginning of a large file keep a late row from being shown."""
    path = tmp_path / "rows.parquet"
    ids = np.random.default_rng(1).integers(1, 2**31, 5_000_000, np.int32)
    rows = pa.ListArray.from_arrays(np.arange(0, len(ids) + 1, 50, dtype=np.int32), ids)
    pq.write_table(pa.table({"input_ids": rows}), path, row_group_size=50_000)
    with path.open("r+b") as file:
        file.seek(pq.ParquetFile(path).metadata.row_group(0).column(0).data_page_offset)
        file.write(b"\xff" * 200)

    assert ids_in(run(path, "75000").output) == ids[75_000 * 50 : 75_001 * 50].tolist()
    assert run(path, "5").exit_code == 1


def test_marks(tmp_path: Path) -> None:
    """Without colours, stretches stand between marks; a wrong label is shown with its id."""
    rows = faulty_rows(row=0)
    rows[0]["attention_mask"][0] = 0
    path = write(tmp_path / "rows.jsonl", rows)
    ids, labels = rows[0]["input_ids"], rows[0]["labels"]

    done = run(path, "0")

    shown = " ".join(done.output.split("\n\n")[1].split())
    prompt = " ".join(map(str, ids[1 : len(ids) // 2]))
    trained = " ".join(map(str, ids[len(ids) // 2 : -2]))
    assert shown == (
        f"[-{ids[0]}-] {prompt} {{+{trained}+}} <!{ids[-2]},{labels[-2]}!> {{+{ids[-1]}+}}"
    )
    assert "breaks leading-padding (error), label-not-input-id (error)" in done.output
    assert f"{sum(label != -100 for label in labels[1:])} trainable tokens" in done.output


def test_no_rule_is_broken(tmp_path: Path) -> None:
    """A sound row says so."""
    path = write(tmp_path / "rows.jsonl", clean_rows())

    assert "breaks no rule that one row alone can break" in run(path, 0).output


def test_labels_that_are_shifted_ahead(tmp_path: Path) -> None:
    """For torchtune the label of the place before speaks of a token."""
    ids = list(range(11, 31))
    row = {"tokens": ids, "labels": [-100] * 5 + ids[6:] + [-100]}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pretok]\ncontract = "torchtune"\n[tool.pretok.datasets.d]\npath = "rows.jsonl"\n'
    )

    shown = run(tmp_path / "rows.jsonl", 0).output

    assert "{+17 18" in shown
    assert "<!" not in shown.split("\n\n")[1]


def test_nulls_and_ragged_rows(tmp_path: Path) -> None:
    """Broken rows are shown as far as they go, with the rules that they break."""
    rows = clean_rows(4)
    rows[0]["labels"] = None
    rows[1]["input_ids"][2] = None
    rows[2]["labels"] = rows[2]["labels"][:-3]
    path = write(tmp_path / "rows.jsonl", rows)

    done = run(path, 0, 1, 2)

    assert done.exit_code == 0
    first, second, third = (done.output.split("\n\n")[at] for at in (0, 2, 4))
    assert "labels null" in first
    assert "null-row (error)" in first
    assert "null-token (error)" in second
    assert "length-mismatch (error)" in third
    assert "null" in done.output.split("\n\n")[3]


def test_columns_that_are_not_lists_of_ids(tmp_path: Path) -> None:
    """What is there but cannot be read is not called absent, and the other way round."""
    row = {"input_ids": "1 2 3", "attention_mask": [1, 1, 1]}
    path = write(tmp_path / "rows.jsonl", [row])

    done = run(path, 0)

    assert "attention_mask 3, input_ids unreadable, labels absent" in done.output
    assert "column-type (error)" in done.output
    assert "for missing-column to report" in " ".join(done.output.split())


def test_a_column_that_the_trainer_does_not_have(tmp_path: Path) -> None:
    """Whatever is declared and stands in it, no rule of this trainer asks for it."""
    write(tmp_path / "rows.jsonl", [{"input_ids": [1, 5, 2], "answer": "five"}])
    declaration = declare(
        tmp_path,
        """
        [tool.pretok.datasets.d]
        path = "rows.jsonl"
        contract = "llm-foundry"
        columns = { labels = "answer" }
        """,
    )

    done = run(declaration, 0)

    assert done.exit_code == 0, done.output
    assert "breaks no rule that one row alone can break" in done.output


HOSTILE = "\x1b[2J\x1b]0;gone\x07\u202eevil\u2066\x00\r\n\t\x9b31m"


def test_hostile_text(tmp_path: Path) -> None:
    """No control character of the data reaches the terminal; each is written out instead."""
    tokenizer = byte_level()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    ids = tokenizer.encode("<tool>" + HOSTILE).ids
    row = {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": ids}
    path = write(tmp_path / "rows.jsonl", [row])

    done = run(path, 0, "--tokenizer", tmp_path / "tokenizer.json")

    assert done.exit_code == 0, done.output
    assert not [c for c in done.output if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"]
    assert "\\x1b[2J" in done.output
    assert "\u23ce\n" in done.output
    assert "<tool>" in done.output


@given(text=st.text())
def test_visible_text_prints(text: str) -> None:
    """Whatever a token decodes to is printable."""
    assert visible(text).isprintable()


TOKENS = st.lists(
    st.builds(
        Token,
        position=st.just(0),
        id=st.integers(0, 10**6),
        text=st.text(max_size=30),
        fate=st.sampled_from(Fate),
        special=st.booleans(),
        label=st.integers(0, 10**6),
    ),
    max_size=30,
)


@given(tokens=TOKENS, width=st.integers(24, 200), colour=st.booleans(), ids=st.booleans())
def test_lines_keep_to_the_width(tokens: list[Token], width: int, colour: bool, ids: bool) -> None:
    """No line is wider than asked, with colours or marks, wide characters included."""
    for line in body(tokens, 0, len(tokens), width, colour, ids):
        plain = ESCAPES.sub("", line)
        assert columns_of(plain) <= width
        assert plain.isprintable()
        assert colour or line == plain


@given(tokens=TOKENS)
def test_colours_add_nothing_but_colours(tokens: list[Token]) -> None:
    """The coloured text of ids is the ids, in order."""
    lines = body(tokens, 0, len(tokens), 80, colour=True, ids=True)
    words = ESCAPES.sub("", " ".join(lines)).split()

    wrong = (Fate.WRONG,)
    assert words == [
        f"{one.id},{one.label}" if one.fate in wrong else str(one.id) for one in tokens
    ]


@pytest.mark.parametrize("ids", [True, False])
def test_the_legend(ids: bool) -> None:
    """Colours are named as the marks are, each in its own; special tokens are the last."""
    coloured, marked = legend(colour=True, ids=ids), legend(colour=False, ids=ids)
    names = [re.sub(r"^\W+|[^\w)]+$", "", word) for word in marked.split("   ")]

    assert ESCAPES.sub("", coloured).split("   ") == names
    assert len(set(ESCAPES.findall(coloured))) == len(names) + 1


@pytest.mark.parametrize(
    ("text", "window"),
    [(None, (0, 2000)), ("5:9", (5, 9)), ("-3:", (2997, 3000)), (":4", (0, 4)), ("9:5", (9, 9))],
)
def test_windows(text: str | None, window: tuple[int, int]) -> None:
    """A window is a slice."""
    assert window_of(text, 3000) == window


def test_long_rows_are_cut(tmp_path: Path) -> None:
    """2,000 tokens by default, with a note; a window shows what is asked for."""
    ids = list(range(1, 3001))
    row = {"input_ids": ids, "attention_mask": [1] * 3000, "labels": ids}
    path = write(tmp_path / "rows.jsonl", [row])

    cut = run(path, 0).output
    assert "... 1,000 more tokens (--tokens 2000: shows them)" in cut
    assert " 2000+}" in cut
    assert " 2001" not in cut
    window = run(path, 0, "--tokens", "10:12").output
    assert "... 10 tokens before\n  {+11 12+}\n  ... 2,988 more tokens" in window


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("rows.jsonl", "99"), 4, "there is no row 99: 6 rows"),
        (("rows.jsonl", "-7"), 4, "there is no row -7: 6 rows"),
        (("rows.jsonl",), 4, "which row?"),
        (("rows.jsonl", "two"), 4, "'two' is no row number"),
        (("rows.jsnl", "0"), 4, "did you mean 'rows.jsonl'?"),
        (("rows.jsonl", "0", "--tokens", "x"), 4, "no window of tokens"),
        (("rows.jsonl", "0", "--tokenizer", "none.json"), 2, "the tokenizer cannot be read"),
        (("rows.jsonl", "0", "--split", "test"), 4, "there is no split 'test'"),
        ((".", "0", "--dataset", "x"), 4, "there is no dataset 'x'"),
        (("bad.parquet", "0"), 1, "bad.parquet"),
        (("faulty/rows.jsonl", "0"), 2, "faulty"),
    ],
)
def test_errors(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    args: tuple[str, ...],
    code: int,
    says: str,
) -> None:
    """Exit codes are pytest's, and an error is a line."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "rows.jsonl", clean_rows())
    write(tmp_path / "faulty/rows.jsonl", clean_rows())
    (tmp_path / "faulty/pyproject.toml").write_text("[tool.pretok]\npaking = true\n")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no, not really PAR1")
    if args[0] == ".":
        (tmp_path / "bad.parquet").unlink()
        (tmp_path / "faulty/pyproject.toml").unlink()

    done = run(*args)

    assert done.exit_code == code, done.output
    assert says in done.output
    assert "Traceback" not in done.output


def test_labels_that_the_trainer_makes(tmp_path: Path) -> None:
    """Where the contract makes labels of ids, they are shown as trained."""
    (tmp_path / "rows.jsonl").write_text(json.dumps({"input_ids": [5, 6, 7]}) + "\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pretok]\ncontract = "trl"\n[tool.pretok.datasets.d]\npath = "rows.jsonl"\n'
    )
    assert load("trl").makes_labels != "never"

    assert "{+5 6 7+}" in run(tmp_path / "rows.jsonl", 0).output


def test_help_is_light() -> None:
    """The list of commands imports nothing that a command needs."""
    import subprocess
    import sys

    code = (
        "import sys; from click.testing import CliRunner; from pytest_pretok.cli import main; "
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0; "
        "print([m for m in ('numpy', 'pyarrow', 'pydantic', 'pretok_schemas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_colours_on_a_terminal_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets colours, unless NO_COLOR or --plain says otherwise."""
    from pytest_pretok.cli import common

    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert common.has_colour(plain=False)
    assert not common.has_colour(plain=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not common.has_colour(plain=False)
