"""The hooks in a git repository, run by pre-commit itself out of a commit of this tree."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from filelock import FileLock

from pytest_pretok.readers import DATA_SUFFIXES
from pytest_pretok.trainer_configs import SUFFIXES
from tests.cli.conftest import Done, environment
from tests.plugin.data import clean_rows, declare, faulty_rows, write

ROOT = Path(__file__).parents[2]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
BY_ID = {hook["id"]: hook for hook in HOOKS}
SOURCES = ("pytest_pretok", "schemas", "pyproject.toml", "README.md", "LICENSE")
DECLARED = '[tool.pretok.datasets.sft]\npath = "data/a.parquet"\n'
CONFIG = """
repos:
  - repo: {project}
    rev: {commit}
    hooks:
      - id: pretok-check
      - id: pretok-config
"""


@dataclass(frozen=True)
class Project:
    """This tree as a repository that hooks are installed from, and what pre-commit keeps."""

    folder: Path
    commit: str
    home: Path


def git(folder: Path, *words: str, **more: str) -> Done:
    """Run git as somebody who has set up nothing."""
    names = {
        f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *words],
        cwd=folder,
        env=environment(GIT_CONFIG_GLOBAL="/dev/null", **names, **more),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=600,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Project:
    """A commit of this tree; pre-commit makes the hooks' environment of it once a session."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "hooks"
    folder = shared / "project"
    with FileLock(f"{shared}.lock"):
        if not folder.exists():
            folder.mkdir(parents=True)
            for name in (*SOURCES, ".pre-commit-hooks.yaml"):
                source = ROOT / name
                copy = shutil.copytree if source.is_dir() else shutil.copy
                copy(source, folder / name)
            git(folder, "init", "-q")
            git(folder, "add", "-A")
            git(folder, "commit", "-qm", "x")
    return Project(folder, git(folder, "rev-parse", "HEAD").out.strip(), shared / "home")


Commit = Callable[..., Done]


@pytest.fixture
def commit(here: Path, project: Project) -> Commit:
    """Commit everything in a repository that has the hooks."""
    git(here, "init", "-q")
    text = CONFIG.format(project=project.folder, commit=project.commit)
    (here / ".pre-commit-config.yaml").write_text(text, encoding="utf-8")
    home = {"PRE_COMMIT_HOME": str(project.home)}
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "install"],
        cwd=here,
        env=environment(**home),
        check=False,
    )
    assert done.returncode == 0

    def run(*files: str, **more: str) -> Done:
        git(here, "add", *(files or ["-A"]))
        done = git(here, "commit", "-m", "x", **home, **more)
        return Done(done.code, done.out + done.err, "")

    return run


def commits(folder: Path) -> int:
    """How many commits a repository has."""
    return int(git(folder, "rev-list", "--all", "--count").out)


def verdicts(text: str) -> dict[str, str]:
    """What pre-commit says of each hook."""
    return dict(re.findall(r"^(pretok \w+)\.+(?:\(.*\))?(\w+)$", text, re.M))


def test_clean_data_is_committed(here: Path, commit: Commit) -> None:
    """Both hooks run on data and its declaration, and let them pass."""
    declare(here, DECLARED)
    write(here / "data/a.parquet", clean_rows())
    done = commit()

    assert verdicts(done.out) == {"pretok check": "Passed", "pretok config": "Passed"}
    assert (done.code, commits(here)) == (0, 1)
    assert git(here, "status", "--porcelain").out == ""


def test_a_fault_blocks_the_commit(here: Path, commit: Commit) -> None:
    """A broken rule is told as in any run, and nothing is committed."""
    declare(here, DECLARED)
    write(here / "data/a.parquet", faulty_rows())
    done = commit()

    assert verdicts(done.out) == {"pretok check": "Failed", "pretok config": "Passed"}
    assert "label-not-input-id: 1 of 6 rows (16.7 %)" in done.out
    assert "FAILED pyproject.toml::sft::label-not-input-id[train]" in done.out
    assert "exit code: 1" in done.out
    assert (done.code, commits(here)) == (1, 0)


def test_a_faulty_declaration_blocks_the_commit(here: Path, commit: Commit) -> None:
    """A key that does not exist is told by both."""
    declare(here, DECLARED + "pakcing = true\n")
    write(here / "data/a.parquet", clean_rows())
    done = commit()

    assert verdicts(done.out) == {"pretok check": "Failed", "pretok config": "Failed"}
    assert done.out.count("did you mean 'packing'?") == 2
    assert done.out.count("exit code: 2") == 2
    assert commits(here) == 0


def test_other_commits_run_nothing(here: Path, commit: Commit) -> None:
    """A change of code, of prose or in a hidden folder is none of the hooks' business."""
    declare(here, DECLARED)
    write(here / "data/a.parquet", faulty_rows())
    for name in ("README.md", "train.py", ".github/workflows/ci.yml", "text.csv"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text("x: 1\n", encoding="utf-8")
    done = commit("README.md", "train.py", ".github", "text.csv", ".pre-commit-config.yaml")

    assert verdicts(done.out) == {"pretok check": "Skipped", "pretok config": "Skipped"}
    assert (done.code, commits(here)) == (0, 1)


def test_what_is_staged_counts(here: Path, commit: Commit) -> None:
    """The hooks see the files as they would be committed, whatever lies in the folder."""
    declare(here, DECLARED)
    path = write(here / "data/a.parquet", faulty_rows())
    git(here, "add", "-A")
    write(path, clean_rows())

    assert verdicts(commit("pyproject.toml").out)["pretok check"] == "Failed"
    assert verdicts(commit("data/a.parquet").out)["pretok check"] == "Passed"


def test_a_repository_of_any_kind(here: Path, commit: Commit) -> None:
    """What a repository or a shell sets up for its own tests does not reach the hooks."""
    declare(here, DECLARED + '[tool.pytest.ini_options]\naddopts = "--cov --strict-config"\n')
    (here / "pytest.ini").write_text("[pytest]\naddopts = --zzz\nfilterwarnings = error\n")
    (here / "conftest.py").write_text("raise SystemExit('conftest')\n", encoding="utf-8")
    write(here / "data/a.parquet", clean_rows() + clean_rows(1))  # a warning: a repeated row
    hostile = {"PYTEST_ADDOPTS": "--boo", "PYTEST_PLUGINS": "nowhere", "PYTHONWARNINGS": "default"}
    done = commit(**hostile)

    assert verdicts(done.out) == {"pretok check": "Passed", "pretok config": "Passed"}
    assert (done.code, commits(here)) == (0, 1)


@pytest.mark.parametrize("suffix", [*DATA_SUFFIXES, *SUFFIXES, ".model"])
def test_every_kind_of_data_calls_for_a_check(suffix: str) -> None:
    """What the readers open by its name, in any case, is what the hook waits for."""
    hook = BY_ID["pretok-check"]
    names = [f"a{suffix}", f"data/b{suffix.upper()}", f"data/c.1{suffix}"]

    assert all(re.search(hook["files"], name) for name in names)
    assert not any(re.search(hook["exclude"], name) for name in names)


@pytest.mark.parametrize("hook", HOOKS, ids=list(BY_ID))
def test_hooks_look_at_the_repository(hook: dict[str, object]) -> None:
    """No file names are handed over, which pre-commit would part among processes."""
    assert (hook["pass_filenames"], hook["require_serial"]) == (False, True)
    assert re.search(str(hook["files"]), "sub/pyproject.toml")
    assert not re.search(str(hook["files"]), "sub/notpyproject.toml")
    assert re.search(str(hook["exclude"]), ".github/workflows/a.yml")
