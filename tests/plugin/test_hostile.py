"""Broken and malicious input ends in a clear finding: never a pass, never a traceback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cmarkgfm import github_flavored_markdown_to_html
from cmarkgfm.cmark import Options

from pytest_pretok import check
from tests.plugin.conftest import Ran, Run
from tests.plugin.data import (
    FAULT,
    clean_rows,
    declare,
    faulty_rows,
    shards,
    table_of,
    write,
    write_saved,
)

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
LIMIT = 3000  # characters that one finding may take


def sound(ran: Ran) -> None:
    """Hold a run to what every run must be: no traceback, no control characters."""
    assert "Traceback" not in ran.text
    assert "INTERNALERROR" not in ran.text
    assert all(line.isprintable() for line in ran.lines)


def failed(ran: Ran) -> list[str]:
    """The ids that failed."""
    return [line.split()[1] for line in ran.lines if line.startswith("FAILED")]


# -- files that cannot be read

Spoil = Callable[[Path], object]


def cut_to(share: float) -> Spoil:
    """Keep the first part of a file."""
    return lambda path: path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def cut_off(count: int) -> Spoil:
    """Take the last bytes of a file away."""
    return lambda path: path.write_bytes(path.read_bytes()[:-count])


def holds(content: bytes) -> Spoil:
    """Replace the content of a file."""
    return lambda path: path.write_bytes(content)


def zeroed(path: Path) -> None:
    """Overwrite the middle third of a file, as a lost block does."""
    content = bytearray(path.read_bytes())
    third = len(content) // 3
    content[third : 2 * third] = bytes(third)
    path.write_bytes(content)


SPOILED: dict[str, tuple[str, Spoil]] = {
    "empty-parquet": ("a.parquet", holds(b"")),
    "empty-arrow": ("a.arrow", holds(b"")),
    "empty-jsonl": ("a.jsonl", holds(b"")),
    "lfs-parquet": ("a.parquet", holds(LFS)),
    "lfs-jsonl": ("a.jsonl", holds(LFS)),
    "lfs-json": ("a.json", holds(LFS)),
    "noise": ("a.parquet", holds(bytes(range(256)) * 8)),
    "pickle": ("a.arrow", holds(b"\x80\x04\x95\x10\x00\x00\x00")),
    "magic-alone": ("a.parquet", holds(b"PAR1")),
    "magic-twice": ("a.parquet", holds(b"PAR1PAR1PAR1")),
    "zeroed": ("a.parquet", zeroed),
    **{f"parquet-{s}": ("a.parquet", cut_to(s)) for s in (0.01, 0.3, 0.6, 0.9)},
    **{f"parquet-minus-{n}": ("a.parquet", cut_off(n)) for n in (1, 4, 8)},
    **{f"arrow-{s}": ("a.arrow", cut_to(s)) for s in (0.01, 0.3, 0.6, 0.9)},
    "arrow-minus-1": ("a.arrow", cut_off(1)),
    **{f"jsonl-{s}": ("a.jsonl", cut_to(s)) for s in (0.01, 0.3, 0.6)},
    "jsonl-minus-3": ("a.jsonl", cut_off(3)),
    "jsonl-not-utf8": ("a.jsonl", holds(b'{"input_ids": [1, 2], "x": "\xff\xfe"}\n')),
    "jsonl-prose": ("a.jsonl", holds(b"this is no JSON\n")),
}


@pytest.mark.parametrize(("name", "spoil"), SPOILED.values(), ids=SPOILED)
@pytest.mark.parametrize("way", ["file", "folder"])
def test_unreadable_files(run: Run, here: Path, name: str, spoil: Spoil, way: str) -> None:
    """A damaged file fails, named on its own or found in its folder."""
    rows = clean_rows()
    source = "a.parquet" if name.endswith(".json") else name
    path = write(here / "data" / source, rows).rename(here / "data" / name)
    spoil(path)
    ran = run("--pretok-data=data" if way == "folder" else f"--pretok-data=data/{name}", "-rf")

    sound(ran)
    assert ran.code == 1
    assert f"data/{name}::unreadable-file" in failed(ran)
    assert "passed" not in ran.outcomes or ran.outcomes["passed"] < 22


def test_lfs_pointers_are_recognised(run: Run, here: Path) -> None:
    """A git-LFS pointer is told from broken data, with the remedy."""
    (here / "a.parquet").write_bytes(LFS)

    assert "git lfs pull" in run("--pretok-data=a.parquet").text


def test_damage_beside_sound_files(run: Run, here: Path, workers: str) -> None:
    """Damaged files fail beside sound ones, which keep their verdicts."""
    write(here / "data/sound.parquet", clean_rows(seed=1))
    write(here / "data/faulty.parquet", faulty_rows(seed=2))
    cut_to(0.5)(write(here / "data/cut.parquet", clean_rows(seed=3)))
    ran = run("--pretok-data=data", "-rf", workers)

    sound(ran)
    assert set(failed(ran)) == {
        "data/cut.parquet::unreadable-file",
        f"data/faulty.parquet::{FAULT}",
    }


def test_one_shard_of_several_is_damaged(run: Run, here: Path) -> None:
    """Of a split with one damaged shard, faults in the sound shards are told as well."""
    shards(here / "data", "train", [faulty_rows(seed=1), clean_rows(seed=2), clean_rows(seed=3)])
    cut_to(0.5)(here / "data/train-00001-of-00003.parquet")
    ran = run("--pretok-data=data", "-rf")

    sound(ran)
    first = "data/train-00000-of-00003.parquet"
    assert {f"{first}::unreadable-file[train]", f"{first}::{FAULT}[train]"} <= set(failed(ran))


def test_a_numbered_shard_is_missing(run: Run, here: Path) -> None:
    """A gap in numbered files is a missing shard, named as it should be there."""
    shards(here / "data", "train", [clean_rows(seed=n) for n in range(1, 4)])
    (here / "data/train-00001-of-00003.parquet").unlink()
    ran = run("--pretok-data=data", "-rf")

    sound(ran)
    assert failed(ran) == ["data/train-00000-of-00003.parquet::unreadable-file[train]"]
    assert "train-00001-of-00003.parquet: the shard is missing" in ran.text


@pytest.mark.parametrize("faulty", [0, 1])
def test_two_shards_of_one_number(run: Run, here: Path, faulty: int) -> None:
    """Files that an earlier upload left beside a later one are checked too."""
    names = ["train-00000-of-00001-a1b2c3.parquet", "train-00000-of-00001-d4e5f6.parquet"]
    for number, name in enumerate(names):
        make = faulty_rows if number == faulty else clean_rows
        write(here / "data" / name, make(seed=number + 1))
    ran = run("--pretok-data=data", "-rf")

    assert failed(ran) == [f"data/{names[0]}::{FAULT}[train]"]
    assert f"{names[faulty]} row 3" in ran.text


@pytest.fixture
def locked() -> Iterator[Path]:
    """A folder with a sound file, a file and a folder without permissions."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    write(folder / "sound.parquet", clean_rows(seed=1)).chmod(0o644)
    write(folder / "locked.parquet", clean_rows(seed=2)).chmod(0)
    write(folder / "shut/inner.parquet", clean_rows(seed=3))
    (folder / "shut").chmod(0)
    yield folder
    (folder / "shut").chmod(0o700)
    shutil.rmtree(folder)


def run_bound_by_permissions(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run pytest as one who may not read everything: root gives up that right first."""
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rf", *arguments]
    if os.geteuid() == 0:
        rights = "-dac_override,-dac_read_search"
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("root can read everything, and setpriv is not there to change that")
        words = [setpriv, f"--bounding-set={rights}", f"--inh-caps={rights}", *words]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr


def test_without_permission(locked: Path) -> None:
    """A file that may not be read, and a folder that may not be listed, fail."""
    code, text = run_bound_by_permissions(locked, "--pretok-data=.")

    assert code == 1
    assert "FAILED locked.parquet::unreadable-file" in text
    assert "FAILED shut::unreadable-file" in text
    assert text.count("Permission denied") >= 2


@pytest.mark.parametrize(
    "argument", ["--pretok-data=shut/inner.parquet", "shut/inner.parquet::no-rows"]
)
def test_named_without_permission(locked: Path, argument: str) -> None:
    """A file named within a folder that may not be entered is a usage error."""
    code, text = run_bound_by_permissions(locked, argument)

    assert code == 4
    assert "shut" in text


def test_declared_without_permission(locked: Path) -> None:
    """A declared file that may not be looked at fails."""
    declare(locked, '[tool.pretok.datasets.sft]\npath = "shut/inner.parquet"\n')
    code, text = run_bound_by_permissions(locked, "pyproject.toml")

    assert code == 1
    assert "FAILED pyproject.toml::sft::unreadable-file[train]" in text


def test_a_folder_that_cannot_be_listed(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that cannot be listed fails under its own name."""
    write(here / "data/a.parquet", clean_rows())
    (here / "data/shut").mkdir()
    scandir = os.scandir

    def refuse(path: str | os.PathLike[str] = ".") -> Iterator[os.DirEntry[str]]:
        if os.fspath(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    ran = run("--pretok-data=data", "-rf")

    sound(ran)
    assert ran.code == 1
    assert "data/shut::unreadable-file" in failed(ran)


@pytest.mark.parametrize("argument", ["data", "data/**/*.parquet"])
def test_folders_nested_without_end(run: Run, here: Path, argument: str) -> None:
    """What lies deeper than folders are searched is not passed over, and ends no run."""
    write(here / "data/a.parquet", clean_rows())
    here_again = Path.cwd()
    os.chdir(here / "data")
    for _ in range(1200):
        Path("d").mkdir()
        os.chdir("d")
    write(Path("b.parquet"), faulty_rows())
    os.chdir(here_again)
    try:
        ran = run(f"--pretok-data={argument}", "-rf", subprocess=True)
    finally:
        subprocess.run(["rm", "-r", here / "data"], check=True)  # Python's own removal recurses

    sound(ran)
    if argument == "data":
        assert ran.code == 1
        assert failed(ran) == [f"data/{'d/' * 100}d::unreadable-file"]
    else:
        assert ran.code == 4


# -- declarations

DECLARATIONS = {
    "broken-toml": ("[tool.pretok\n", "pyproject.toml:1: no valid TOML"),
    "unknown-key": ("[tool.pretok]\nsequence_len = 3\n", "did you mean 'sequence-len'?"),
    "unknown-rule": (
        '[tool.pretok.rules]\nlabel-not-input-ids = "off"\n',
        "did you mean 'label-not-input-id'?",
    ),
    "unknown-contract": ('[tool.pretok]\ncontract = "axolot"\n', "did you mean 'axolotl'?"),
    "unknown-severity": ('[tool.pretok.rules]\nno-rows = "warn"\n', "no-rows"),
    "colons-in-a-name": ('[tool.pretok.datasets."a::b"]\npath = "a.parquet"\n', "'a::b'"),
    "control-in-a-name": ('[tool.pretok.datasets."a\\u001b"]\npath = "a"\n', "the name"),
    "later-key": ('[tool.pretok]\nformat = "parquet"\n', "not supported yet"),
    "no-tokenizer": ('[tool.pretok]\ntokenizer = "t.json"\n', "does not exist"),
    "wrong-type": ("[tool.pretok]\npacking = 1\n", "packing: found 1, expected"),
    "datasets-no-table": ("[tool.pretok]\ndatasets = 3\n", "expected tables"),
    "no-table": ("[tool]\npretok = 3\n", "expected a table"),
    "no-path": ("[tool.pretok.datasets.a]\n", "needs path or splits"),
    "url": ('[tool.pretok.datasets.a]\npath = "ftp://b/a.parquet"\n', "is not supported"),
}


@pytest.mark.parametrize(("text", "expected"), DECLARATIONS.values(), ids=DECLARATIONS)
def test_faulty_declarations(run: Run, here: Path, text: str, expected: str) -> None:
    """A faulty declaration ends the run with 2, the line and the remedy."""
    declare(here / "sub", text)
    write(here / "sub/a.parquet", clean_rows())
    ran = run("--pretok-data=sub", subprocess=True)

    sound(ran)
    assert ran.code == 2
    assert "sub/pyproject.toml:" in ran.text
    assert expected in ran.text


def test_a_declaration_that_is_no_text(run: Run, here: Path) -> None:
    """A declaration that is not UTF-8 is a fault with its line."""
    (here / "sub").mkdir()
    (here / "sub/pyproject.toml").write_bytes(b"[tool.pretok]\n# \xff\n")
    ran = run("--pretok-data=sub", subprocess=True)

    sound(ran)
    assert ran.code == 2
    assert "sub/pyproject.toml:2: the file is not UTF-8" in ran.text


@pytest.mark.parametrize("what", ["pipe", "/dev/zero", "large", "key of many parts", "many keys"])
def test_declarations_that_nobody_wrote(run: Run, here: Path, what: str) -> None:
    """A declaration within data is not waited for, not read without end, and told in few lines."""
    write(here / "data/a.parquet", clean_rows())
    file = here / "data/pyproject.toml"
    head = "[tool.pretok]\n"
    expected = "cannot be read: it is no regular file"
    if what == "pipe":
        os.mkfifo(file)
    elif what == "/dev/zero":
        file.symlink_to(what)
    elif what == "large":
        file.write_text(head + "#" * 2**20)
        expected = "cannot be read: it is larger than 1,048,576 bytes"
    elif what == "many keys":
        file.write_text(head + "".join(f"key-{number} = 1\n" for number in range(1000)))
        expected = "... and 900 more faults"
    else:
        file.write_text(head + ".".join(["a"] * 200_000) + " = 1\n")  # tomllib squares them
        expected = "pyproject.toml:2: no valid TOML: a key of more than 100 parts"
    ran = run("--pretok-data=data", subprocess=True)

    sound(ran)
    assert ran.code == 2
    assert expected in ran.text
    assert len(ran.lines) < 150


@pytest.mark.parametrize("where", ["named", "declared"])
def test_a_trainer_configuration_that_is_a_pipe(run: Run, here: Path, where: str) -> None:
    """It is not waited for."""
    write(here / "data/a.parquet", clean_rows())
    os.mkfifo(here / "data/x.yml")
    if where == "declared":
        declare(here / "data", '[tool.pretok]\ntrainer-config = "x.yml"\n')
    ran = run(f"--pretok-data={'data' if where == 'declared' else 'data/x.yml'}", subprocess=True)

    sound(ran)
    assert ran.code == 2
    assert ("it is no regular file" if where == "named" else "no such file") in ran.text


MISSING = {
    "file": ("data/none.parquet", "there is no such file or folder"),
    "glob": ("data/*.jsonl", "no file matches this pattern"),
    "folder": ("empty", "the folder holds no data files"),
}


@pytest.mark.parametrize(("path", "reason"), MISSING.values(), ids=MISSING)
def test_declared_paths_that_lead_nowhere(run: Run, here: Path, path: str, reason: str) -> None:
    """A declared path without data fails; it is never left out."""
    (here / "empty").mkdir()
    declare(here, f'[tool.pretok.datasets.sft]\npath = "{path}"\n')
    ran = run("pyproject.toml", "-rf")

    sound(ran)
    assert failed(ran) == ["pyproject.toml::sft::unreadable-file[train]"]
    assert reason in ran.text


# -- folders that `save_to_disk` wrote, tampered with


def state_of(folder: Path, *names: object) -> None:
    """Let a state.json name these data files."""
    files = [{"filename": name} for name in names]
    (folder / "state.json").write_text(json.dumps({"_data_files": files}), encoding="utf-8")


@pytest.mark.parametrize(
    "name",
    [
        "gone.arrow",
        "x" * 300,
        "../x.arrow",
        "/etc/passwd",
        "..\\x.arrow",
        "sub/../../x.arrow",
        "",
        ".",
        "./.",
        "\\",
        "C:x.arrow",
        "\ud800",
        "nul\0",
        3,
        None,
        [],
    ],
)
def test_files_that_a_state_may_not_name(run: Run, here: Path, name: object) -> None:
    """A file that is missing or lies outside of the folder is refused, and never opened."""
    write(here / "data/x.arrow", clean_rows())
    folder = write_saved(here / "data/saved", clean_rows(seed=2))
    state_of(folder, "data-00000-of-00001.arrow", name)
    ran = run("--pretok-data=data/saved", "-rf")

    sound(ran)
    assert failed(ran) == ["data/saved/state.json::unreadable-file"]
    reasons = ("missing", "outside its folder", "no file system")
    assert any(reason in ran.text for reason in reasons)
    assert "root:" not in ran.text


@pytest.mark.parametrize("suffix", ["arrow", "parquet", "jsonl"])
def test_files_that_only_others_read(run: Run, here: Path, suffix: str) -> None:
    """`datasets` reads nothing but Arrow streams in a saved folder, whatever the name."""
    folder = write_saved(here / "saved", clean_rows())
    name = "data-00000-of-00001.arrow"
    write(here / f"x.{suffix}", clean_rows()).rename(folder / name)
    ran = run("--pretok-data=saved", "-rf")

    sound(ran)
    assert failed(ran) == ["saved/state.json::unreadable-file"]
    assert "where the metadata of its folder promises" in " ".join(ran.text.split())


@pytest.mark.parametrize("secret", ["file", "/etc/passwd", "/dev/zero", "pipe", "/proc/self/mem"])
def test_links_in_a_saved_folder(run: Run, here: Path, secret: str) -> None:
    """A link is followed to a file, which is read as data or not at all, and shown by no message.

    The Hub's cache consists of links that lead out of their folder.
    """
    folder = write_saved(here / "saved", clean_rows())
    path = folder / "data-00000-of-00001.arrow"
    if secret == "file":
        path.rename(here / "blob")
        path.symlink_to(here / "blob")
    else:
        path.unlink()
        path.symlink_to(here / "pipe" if secret == "pipe" else secret)
        os.mkfifo(here / "pipe")
    ran = run("--pretok-data=saved", "-rf")

    sound(ran)
    assert "root:x:0:" not in ran.text
    assert failed(ran) == ([] if secret == "file" else ["saved/state.json::unreadable-file"])


@pytest.mark.parametrize(
    "name", ["../other", "/etc", "..", ".", "", "gone", "a::b", "\x1b[31m", "\ud800", "a/.."]
)
def test_splits_that_a_dict_may_not_name(run: Run, here: Path, name: str) -> None:
    """A split that is missing or lies outside of the folder fails."""
    write_saved(here / "data/other", clean_rows())
    folder = write_saved(here / "data/saved", {"train": clean_rows(seed=2)})
    text = json.dumps({"splits": ["train", name]})
    (folder / "dataset_dict.json").write_text(text, encoding="utf-8")
    ran = run("--pretok-data=data/saved", "-rf")

    sound(ran)
    assert ran.code == 1
    assert any("::unreadable-file[" in test_id for test_id in failed(ran))
    assert not any(test_id.endswith("[train]") for test_id in failed(ran))


@pytest.mark.parametrize(
    "content", [b"", b"no JSON", b"[]", b"{}", b'{"_data_files": []}', b'{"_data_files": 3}']
)
@pytest.mark.parametrize("where", ["dict", "single"])
def test_states_that_name_nothing(run: Run, here: Path, content: bytes, where: str) -> None:
    """A state.json that is broken, or names no files, fails instead of hiding the data."""
    if where == "dict":
        write_saved(here / "data/saved", {"train": clean_rows()})
        (here / "data/saved/train/state.json").write_bytes(content)
    else:
        write_saved(here / "data/saved", clean_rows())
        (here / "data/saved/state.json").write_bytes(content)
    ran = run("--pretok-data=data", "-rf")

    sound(ran)
    assert ran.code == 1
    assert any("unreadable-file" in test_id for test_id in failed(ran))


@pytest.mark.parametrize("content", [b"", b"no JSON", b"[]", b"{}", b'{"splits": []}'])
def test_dicts_that_name_nothing(run: Run, here: Path, content: bytes) -> None:
    """A dataset_dict.json that is broken, or names no splits, fails."""
    write_saved(here / "data/saved", {"train": clean_rows()})
    (here / "data/saved/dataset_dict.json").write_bytes(content)
    ran = run("--pretok-data=data", "-rf")

    sound(ran)
    assert ran.code == 1
    assert any("dataset_dict.json::unreadable-file" in test_id for test_id in failed(ran))


def test_splits_whose_names_look_alike(run: Run, here: Path) -> None:
    """Splits whose names are made plain keep verdicts of their own; a name twice counts once."""
    folder = write_saved(here / "saved", {"a b": clean_rows(seed=1), "a_b": faulty_rows(seed=2)})
    text = json.dumps({"splits": ["a b", "a_b", "a_b"]})
    (folder / "dataset_dict.json").write_text(text, encoding="utf-8")
    ran = run("--pretok-data=saved", "-rf")

    sound(ran)
    assert ran.outcomes["failed"] == 1
    ids = run("--pretok-data=saved", "--co", "-q").ids
    ours = [one for one in ids if one.endswith("[a_b]")]
    theirs = [one for one in ids if one.endswith("[a_b_]")]
    assert len(set(ids)) == len(ids) == len(ours) + len(theirs) + 1
    assert [one.replace("[a_b_]", "[a_b]") for one in theirs] == ours


def test_caches_beside_saved_data(run: Run, here: Path) -> None:
    """Caches that `datasets` leaves beside its data are not part of it."""
    folder = write_saved(here / "data/saved", clean_rows())
    write(folder / "cache-0123456789abcdef.arrow", faulty_rows(seed=2))
    write(folder / "tmpabc.arrow", faulty_rows(seed=3))
    ran = run("--pretok-data=data")

    sound(ran)
    assert ran.code == 0


@pytest.mark.parametrize("kind", ["pipe", "/dev/zero", "/dev/null"])
def test_what_bears_the_name_of_data_and_is_no_file(run: Run, here: Path, kind: str) -> None:
    """A pipe or a device among the data stands where data should be: it is not passed over."""
    write(here / "data/a.parquet", clean_rows())
    if kind == "pipe":
        os.mkfifo(here / "data/b.parquet")
    else:
        (here / "data/b.parquet").symlink_to(kind)
    ran = run("--pretok-data=data", "-rf")

    sound(ran)
    assert ran.code == 1
    assert failed(ran) == ["data/b.parquet::unreadable-file"]
    assert "not a regular file" in ran.text


def test_a_state_that_datasets_cannot_read(run: Run, here: Path) -> None:
    """`datasets` opens metadata as UTF-8, without a byte order mark; so it is here."""
    folder = write_saved(here / "data/saved", clean_rows())
    state = folder / "state.json"
    text = state.read_text(encoding="utf-8")
    for content in (b"\xef\xbb\xbf" + text.encode(), text.encode("utf-16")):
        state.write_bytes(content)
        with pytest.raises(ValueError, match=r"BOM|codec"), state.open(encoding="utf-8") as file:
            json.load(file)
        ran = run("--pretok-data=data/saved/state.json", "-rf")

        sound(ran)
        assert failed(ran) == ["data/saved/state.json::unreadable-file"]


@pytest.mark.parametrize("way", ["saved", "in memory"])
def test_columns_that_a_format_hides(run: Run, here: Path, way: str) -> None:
    """What `set_format` leaves out is in no row that a trainer gets: it is saved with the data."""
    saved = datasets.Dataset.from_list(clean_rows())
    saved.set_format("numpy", columns=["input_ids", "attention_mask"])
    saved.save_to_disk(here / "data/saved")
    loaded = datasets.load_from_disk(here / "data/saved")
    assert list(loaded[0]) == ["input_ids", "attention_mask"]
    if way == "saved":
        ran = run("--pretok-data=data", "-rf")

        sound(ran)
        assert failed(ran) == ["data/saved/state.json::missing-column"]
        assert "no labels" in ran.text
    else:
        assert "missing-column" in {one.finding.rule for one in check(loaded).results if one.failed}
        assert check(loaded.with_format(None)).ok


# -- rows that no trainer takes

Rows = list[dict[str, object]]


def with_cell(column: str, value: object) -> Rows:
    """Clean rows, of which the third has another value in one column."""
    rows: Rows = [dict(row) for row in clean_rows()]
    rows[2][column] = value
    return rows


def of_type(column: str, array: pa.Array) -> pa.Table:
    """A clean table with one column exchanged."""
    table = table_of(clean_rows())
    return table.set_column(table.column_names.index(column), column, array)


IDS = [row["input_ids"] for row in clean_rows()]
BAD_ROWS: dict[str, tuple[str, Rows | pa.Table, str]] = {
    "ragged": ("jsonl", with_cell("labels", [1, 2, 3]), "length-mismatch"),
    "null-row": ("jsonl", with_cell("labels", None), "null-row"),
    "null-token": ("jsonl", with_cell("labels", [None] * 20), "null-token"),
    "text": ("jsonl", with_cell("input_ids", "[1, 2, 3]"), "column-type"),
    "float": ("jsonl", with_cell("input_ids", [1.5] * 20), "column-type"),
    "huge": ("jsonl", with_cell("input_ids", [2**80] * 20), "column-type"),
    "nested": ("jsonl", with_cell("input_ids", [[1, 2, 3]]), "column-type"),
    "object": ("jsonl", with_cell("input_ids", {"a": 1}), "column-type"),
    "scalar": ("jsonl", with_cell("input_ids", 7), "column-type"),
    "absent-column": ("jsonl", [{"input_ids": [1, 2, 3]}] * 3, "missing-column"),
    "text-column": ("parquet", of_type("input_ids", pa.array(map(str, IDS))), "column-type"),
    "float-column": (
        "parquet",
        of_type("input_ids", pa.array([[float(i) for i in ids] for ids in IDS])),
        "column-type",
    ),
    "nested-column": ("parquet", of_type("labels", pa.array([[i] for i in IDS])), "column-type"),
    "scalar-column": ("parquet", of_type("labels", pa.array(range(6))), "column-type"),
    "null-column": ("parquet", of_type("labels", pa.nulls(6)), "null-row"),
    "null-cell": ("parquet", of_type("labels", pa.array([*IDS[:5], None])), "null-row"),
    "null-inside": (
        "parquet",
        of_type("labels", pa.array([*IDS[:5], [None] * len(IDS[5])])),
        "null-token",
    ),
    "no-rows": ("parquet", table_of([]), "no-rows"),
    "no-rows-arrow": ("arrow", table_of([]), "no-rows"),
    "no-columns": ("parquet", pa.table({"x": [1]}), "missing-column"),
}


@pytest.mark.parametrize(("suffix", "rows", "rule"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_bad_rows(run: Run, here: Path, suffix: str, rows: Rows | pa.Table, rule: str) -> None:
    """Rows of a wrong shape or type break the rule that speaks of it."""
    path = write(here / f"a.{suffix}", rows)
    ran = run(f"--pretok-data={path.name}", "-rf")

    sound(ran)
    assert ran.code == 1
    assert f"a.{suffix}::{rule}" in failed(ran)


def test_a_column_twice(run: Run, here: Path) -> None:
    """A table with two columns of one name is judged, by the first."""
    table = table_of(faulty_rows())
    pq.write_table(table.append_column("labels", table["labels"]), here / "a.parquet")
    ran = run("--pretok-data=a.parquet", "-rf")

    sound(ran)
    assert ran.code == 1


def test_a_row_of_ten_million_tokens(run: Run, here: Path) -> None:
    """One huge row is judged, and its text stays short."""
    count = 10_000_000
    import numpy as np

    ids = np.arange(count, dtype=np.int32) % 30_000 + 3
    labels = ids.copy()
    labels[count - 5] += 1
    columns = {"input_ids": ids, "attention_mask": np.ones(count, np.int32), "labels": labels}
    offsets = pa.array([0, count], pa.int32())
    table = pa.table(
        {n: pa.ListArray.from_arrays(offsets, pa.array(v)) for n, v in columns.items()}
    )
    pq.write_table(table, here / "a.parquet")
    ran = run("--pretok-data=a.parquet", "-rf")

    sound(ran)
    assert failed(ran) == [f"a.parquet::{FAULT}"]
    assert f"position {count - 5}" in ran.text
    assert len(ran.text) < 2 * LIMIT


# -- code that lies in the data


@pytest.mark.parametrize("arguments", [[], ["tests"]], ids=["data", "beside-tests"])
def test_code_in_data_is_never_run(
    run: Run, here: Path, arguments: list[str], workers: str
) -> None:
    """conftest.py, __init__.py and tests that lie in the data are not imported."""
    marker = here / "executed"
    code = f"import os\nos.mkdir({str(marker)!r})\ndef test_x(): pass\n"
    for folder in ("data", "data/inner"):
        write(here / folder / "a.parquet", clean_rows(seed=len(folder)))
        for name in ("conftest.py", "__init__.py", "test_x.py", "setup.py", "sitecustomize.py"):
            (here / folder / name).write_text(code, encoding="utf-8")
    (here / "tests").mkdir()
    (here / "tests/test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
    ran = run(*arguments, "--pretok-data=data", workers)

    sound(ran)
    assert ran.code == 0
    assert not marker.exists()


@pytest.mark.parametrize("way", ["flag", "check", "check an id"])
def test_settings_of_pytest_in_data_are_not_read(here: Path, way: str) -> None:
    """A pytest.ini that lies in the data could name code; pytest reads one beside an argument."""
    write(here / "data/a.parquet", clean_rows())
    (here / "data/pytest.ini").write_text("[pytest]\npythonpath = .\naddopts = -p evil\n")
    (here / "data/evil.py").write_text(f"import os\nos.mkdir({str(here / 'executed')!r})\n")
    words = {
        "flag": ["pytest", "--pretok-data=data"],
        "check": ["pytest_pretok", "check", "data"],
        "check an id": ["pytest_pretok", "check", "data/a.parquet::no-rows"],
    }
    done = subprocess.run(
        [sys.executable, "-m", *words[way]], cwd=here, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
    assert not (here / "executed").exists()


def test_a_declaration_in_data_runs_nothing(run: Run, here: Path) -> None:
    """A declaration found in the data cannot have code imported."""
    write(here / "data/a.parquet", clean_rows())
    (here / "data/evil.py").write_text(f"import os\nos.mkdir({str(here / 'executed')!r})\n")
    declare(here / "data", '[tool.pretok]\nplugins = ["evil"]\n')
    ran = run("--pretok-data=data", subprocess=True)

    sound(ran)
    assert ran.code == 2
    assert not (here / "executed").exists()


# -- bounds


def test_texts_are_bounded(run: Run, here: Path) -> None:
    """Whatever the damage, a finding takes at most 3,000 characters of printable text."""
    evil = "\x1b[2J\u202e" + "x" * 100_000
    rows: Rows = [dict(row) for row in clean_rows(60)]
    for number, row in enumerate(rows):
        row[("input_ids", "attention_mask", "labels")[number % 3]] = evil if number % 2 else [-100]
    folder = here / ("deep" * 20) / ("er" * 60)
    write(folder / f"{'long' * 20}.jsonl", rows)
    hook = (
        "def pytest_runtest_logreport(report):\n"
        "    if report.failed:\n"
        f"        with open({str(here / 'sizes')!r}, 'a') as file:\n"
        "            file.write(f'{len(report.longreprtext)}\\n')\n"
    )
    (here / "conftest.py").write_text(hook, encoding="utf-8")
    ran = run("--pretok-data=.", "--pretok-examples=50")
    sizes = [int(line) for line in (here / "sizes").read_text(encoding="utf-8").split()]

    sound(ran)
    assert ran.outcomes["failed"] == len(sizes)
    assert 0 < max(sizes) <= LIMIT


def test_names_from_data_are_made_printable(run: Run, here: Path) -> None:
    """Control characters in column names and cells do not reach the terminal."""
    table = table_of(clean_rows())
    pq.write_table(table.rename_columns(["\x1b[31mids", "a\u202eb", "c\nd"]), here / "a.parquet")
    ran = run("--pretok-data=a.parquet")

    sound(ran)
    assert ran.code == 1


EVIL = '\x1b[31m\u202e<img src=x onerror=alert(1)>\n::error::x|`"&\x9b'


def rendered(text: str) -> str:
    """Markdown as GitHub reads it, with the HTML in it left as it is."""
    unsafe = Options.CMARK_OPT_UNSAFE  # type: ignore[attr-defined,unused-ignore]
    assert "<b>" in github_flavored_markdown_to_html("a <b>b</b>", unsafe)
    return str(github_flavored_markdown_to_html(text, unsafe))


@pytest.mark.parametrize("place", ["file", "folder", "split", "column", "cell"])
def test_names_in_every_report(run: Run, here: Path, place: str) -> None:
    """Nothing that a name or a cell holds reaches a terminal, a page or a log as what it is."""
    rows = faulty_rows()
    if place == "split":
        write_saved(here / "data/saved", {"train": rows})
        (here / "data/saved/train").rename(here / f"data/saved/{EVIL}")
        told = json.dumps({"splits": [EVIL]})
        (here / "data/saved/dataset_dict.json").write_text(told, encoding="utf-8")
    elif place == "column":
        table = table_of(rows).append_column(EVIL, pa.array(range(len(rows))))
        write(here / "data/a.parquet", table.drop_columns(["labels"]))
    elif place == "cell":
        write(here / "data/a.jsonl", [{**row, "labels": EVIL} for row in rows])
    else:
        name = f"{EVIL}.parquet" if place == "file" else f"{EVIL}/train.parquet"
        write(here / "data" / name, rows)
    reports = ("r.md", "r.html", "r.sarif", "r.json")
    ran = run("--pretok-data=data", "-rf", *(f"--pretok-report={name}" for name in reports))

    sound(ran)
    assert ran.code == 1
    assert not any(line.startswith("::error") for line in ran.lines)
    for name in reports:
        text = (here / name).read_text(encoding="utf-8")
        assert not {"\x1b", "\u202e", "\x9b"}.intersection(text), name
        if name.endswith((".sarif", ".json")):
            assert json.loads(text)
            continue
        page = rendered(text) if name.endswith(".md") else text
        assert "<img src=x" not in page


# -- files whose columns cannot be told


@pytest.mark.parametrize("column", ["attention_mask", "source"])
@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_repeated_column(run: Run, here: Path, name: str, column: str) -> None:
    """A column that occurs twice is no pass: `datasets` refuses the table, whatever the column."""
    table = table_of(clean_rows())
    table = table.append_column("source", pa.array(["x"] * table.num_rows))
    table = table.append_column(column, table[column])
    if name.endswith(".parquet"):
        pq.write_table(table, here / name)
    else:
        with pa.ipc.new_file(here / name, table.schema) as writer:
            writer.write_table(table)

    ran = run(f"--pretok-data={name}")

    sound(ran)
    assert ran.code == 1
    assert failed(ran) == [f"{name}::unreadable-file"]
    assert f"columns that occur more than once: {column}" in ran.text


def test_unreadable_json_lacks_no_column(run: Run, here: Path) -> None:
    """A line that cannot be read is one finding: what columns it had, nobody can say."""
    deep = "[" * 3000 + "]" * 3000
    (here / "a.jsonl").write_text(f'{{"input_ids": {deep}}}\n', encoding="utf-8")

    ran = run("--pretok-data=a.jsonl")

    sound(ran)
    assert failed(ran) == ["a.jsonl::unreadable-file"]


def test_an_extension_type_that_cannot_be_hashed(here: Path) -> None:
    """Types that somebody registered are met in files; pyarrow's own have no hash."""

    class Marked(pa.ExtensionType):
        def __init__(self) -> None:
            super().__init__(pa.list_(pa.int32()), "marked.ids")

        def __arrow_ext_serialize__(self) -> bytes:
            return b""

        @classmethod
        def __arrow_ext_deserialize__(cls, storage: pa.DataType, _: bytes) -> Marked:
            return cls()

    table = table_of(clean_rows())
    marked = pa.ExtensionArray.from_storage(Marked(), table["labels"].combine_chunks())
    write(here / "a.parquet", table.set_column(2, "labels", marked))
    pa.register_extension_type(Marked())
    try:
        with pytest.raises(TypeError, match="unhashable"):
            hash(pq.read_schema(here / "a.parquet").field("labels").type)
        report = check(here / "a.parquet")
    finally:
        pa.unregister_extension_type("marked.ids")

    assert "column-type" in {one.finding.rule for one in report.results if one.failed}


# -- files that are written


def test_violations_are_written_where_they_were_asked_for(run: Run, here: Path) -> None:
    """Links beside the file are not written through, and a private file stays private."""
    write(here / "data/a.parquet", faulty_rows())
    (here / "mine").write_text("mine", encoding="utf-8")
    for name in (".v.parquet.main.part", ".v.parquet.main.index", ".v.parquet.merged.part"):
        (here / name).symlink_to("mine")
    (here / "v.parquet").touch(mode=0o600)
    ran = run("--pretok-data=data", "--pretok-violations=v.parquet")

    sound(ran)
    assert ran.code == 1
    assert (here / "mine").read_text(encoding="utf-8") == "mine"
    assert (here / "v.parquet").stat().st_mode & 0o777 == 0o600
    assert pq.read_table(here / "v.parquet")["rule"].to_pylist() == [FAULT]
    assert not list(here.glob(".v.parquet*"))
