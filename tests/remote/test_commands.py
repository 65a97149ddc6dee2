"""Commands and functions that take a path, on a URL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import pytest_pretok
from pytest_pretok.cli import main
from tests.plugin.data import FAULT, clean_rows, declare, faulty_rows
from tests.remote.servers import S3, Web
from tests.remote.test_verdicts import jsonl, parquet


def said(*arguments: str) -> tuple[int, str]:
    """The exit code of a command, and what it printed."""
    done = CliRunner().invoke(main, list(arguments))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_check_from_python(s3: S3) -> None:
    """The function takes URLs, with settings of its own."""
    good = pytest_pretok.check(s3.put("api/good.parquet", parquet(clean_rows())))
    bad = pytest_pretok.check(s3.put("api/bad.parquet", parquet(faulty_rows())), sequence_len=4)

    assert good.ok
    assert {result.rule for result in bad.failed} == {FAULT, "too-long"}
    (dataset,) = bad.to_dict()["datasets"]
    assert dataset["path"] == "s3://bucket/api/bad.parquet"
    assert dataset["splits"][0]["fetched_bytes"] > 0


def test_check_show_and_stats(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are shown and counted as those of a file here."""
    monkeypatch.chdir(tmp_path)
    content = jsonl(clean_rows(7))
    (tmp_path / "a.jsonl").write_bytes(content)
    url = web.put("a.jsonl", content)
    for command in (("show", "{}", "3"), ("show", "{}[-1]"), ("stats", "{}")):
        here = said(*(word.format("a.jsonl") for word in command))
        afar = said(*(word.format(url) for word in command))

        assert afar[0] == here[0] == 0
        assert afar[1].replace(url, "a.jsonl").split() == here[1].split()


def test_check(web: Web, tmp_path: Path) -> None:
    """The command takes URLs, and ids of them."""
    good = web.put("good.jsonl", jsonl(clean_rows()))
    bad = web.put("bad.jsonl", jsonl(faulty_rows()))

    def ran(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "pytest_pretok", "check", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    code, text = ran(good, bad)
    assert code == 1
    assert f"{bad}::{FAULT}" in text
    assert ran(f"{bad}::{FAULT}")[0] == 1
    code, text = ran(f"{good}?sig=1")
    assert code == 0
    assert "sig" not in text


def test_commands_that_write(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample and a first declaration are made of files here, and say so."""
    monkeypatch.chdir(tmp_path)
    url = web.put("a.jsonl", jsonl(clean_rows(7)))
    sample = said("sample", url, "--rows", "2", "--output", "out.jsonl")
    init = said("init", f"{url}?secret=1")

    assert sample[0] not in (0, 1)
    assert "local files" in sample[1]
    assert init[0] not in (0, 1)
    assert "local files" in init[1]
    assert "secret" not in init[1]
    assert not list(tmp_path.iterdir())


def test_config_asks_nobody(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a declaration says is told without a request, and without secrets."""
    monkeypatch.chdir(tmp_path)
    url = web.put("a.jsonl", jsonl(clean_rows(7)))
    splits = f'train = "{url}?sig=1", test = "s3://nobody/x-*.parquet"'
    declare(tmp_path, f"[tool.pretok.datasets.sft]\nsplits = {{ {splits} }}\n")
    code, text = said("config", "pyproject.toml")

    assert code == 0
    assert url in text
    assert "s3://nobody/x-*.parquet" in text
    assert "sig" not in text
    assert not web.log.served
