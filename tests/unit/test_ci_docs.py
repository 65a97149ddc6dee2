"""The recipes of docs/ci.md keep to what the services publish, and name what there is."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
SCHEMAS = {
    ".github/workflows/data.yml": "github-workflows.json",
    ".gitlab-ci.yml": "gitlab-ci.json",
}
RECIPES = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))


def test_recipes_are_those_that_are_checked() -> None:
    """Every recipe has a schema."""
    assert set(RECIPES) == set(SCHEMAS)
    assert PAGE.count("```yaml") == len(RECIPES)


@pytest.mark.parametrize("name", SCHEMAS)
def test_recipes_are_valid(name: str) -> None:
    """A recipe keeps to the schema of its service."""
    vendored = files("check_jsonschema") / "builtin_schemas/vendor" / SCHEMAS[name]
    schema = json.loads(vendored.read_text("utf-8"))
    # YAML 1.1, which Python reads, takes the key `on` for true.
    recipe = {("on" if key is True else key): v for key, v in yaml.safe_load(RECIPES[name]).items()}

    jsonschema.validators.validator_for(schema)(schema).validate(recipe)


def test_recipe_uses_the_action_as_it_is() -> None:
    """The recipe's inputs and outputs, and those of the table, are those of action.yml."""
    steps = yaml.safe_load(RECIPES[".github/workflows/data.yml"])["jobs"]["data"]["steps"]
    used = next(step for step in steps if "pytest-pretok" in step["uses"])
    table = PAGE.split("| input | meaning |")[1].split("\n\n")[0]

    assert set(used["with"]) <= set(ACTION["inputs"])
    assert re.findall(r"^\| `([\w-]+)`", table, re.M) == list(ACTION["inputs"])
    assert set(re.findall(r"outputs\.([\w-]+)", RECIPES[".github/workflows/data.yml"])) <= set(
        ACTION["outputs"]
    )


def test_options_of_recipes() -> None:
    """The page names no option that the plugin does not have."""
    plugin = (ROOT / "pytest_pretok/plugin.py").read_text(encoding="utf-8")

    assert set(re.findall(r"--pretok-[a-z-]+", PAGE)) <= set(
        re.findall(r'"(--pretok-[a-z-]+)"', plugin)
    )
