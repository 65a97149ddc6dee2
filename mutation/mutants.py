"""What mutants a module has, and a sample of them; runs nothing.

The operators are mutmut's, on every line of a module: mutmut's own runner leaves out class bodies,
where rules say what they are. Those that put None in the place of a value are not used: nearly all
of these raise at once, and would only make the share of noticed mutants look better. Added are: a
condition is negated, a statement is left out, an entry of a tuple, list or set is left out.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper, PositionProvider
from mutmut.mutation import mutators

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "schemas" / "pretok_schemas"
CORE = (
    *sorted(SCHEMAS.glob("rules/*.py")),
    *(SCHEMAS / f"{name}.py" for name in ("batch", "findings", "judge", "state", "causes", "flat")),
    *sorted((ROOT / "pytest_pretok" / "scan").glob("*.py")),
)
KEPT = Path(__file__).parent / ".mutants"
# What a type checker reads, and what no run can tell apart.
_LEFT_ALONE = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom)
_NAMES_LEFT_ALONE = {"__all__", "__slots__", "TypeVar"}


@dataclass(frozen=True)
class Mutant:
    """One change of one module: ``first`` to ``last`` are the lines of the statement around it.

    ``around`` are those of the class or function that it stands in.
    """

    module: str
    number: int
    kind: str
    line: int
    first: int
    last: int
    around: tuple[int, int]
    source: str

    @property
    def name(self) -> str:
        """What names it in tables and on the command line."""
        return f"{self.module}#{self.number}"

    def diff(self) -> str:
        """The change, as a diff without context."""
        before = (ROOT / self.module).read_text(encoding="utf-8").splitlines()
        lines = difflib.unified_diff(before, self.source.splitlines(), lineterm="", n=0)
        return "\n".join(line for line in list(lines)[2:] if not line.startswith("@@"))


def _negated(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Stands for the node's condition, see `_Finder`."""
    if isinstance(node, cst.If | cst.While):
        wrapped = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        yield cst.UnaryOperation(cst.Not(), wrapped)


def _left_out(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    if isinstance(node, cst.Expr) and isinstance(node.value, cst.Call):
        yield cst.Pass()


def _shortened(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    if isinstance(node, cst.List | cst.Set) or (isinstance(node, cst.Tuple) and node.lpar):
        many = len(node.elements)
        for i in range(many if many > 1 or not isinstance(node, cst.Set) else 0):
            rest = [*node.elements[:i], *node.elements[i + 1 :]]
            if len(rest) == 1 and isinstance(node, cst.Tuple):
                rest = [rest[0].with_changes(comma=cst.Comma())]
            yield node.with_changes(elements=rest)


def _marked(node: Any) -> Iterator[cst.CSTNode]:
    """A text with something added; that its letters have another case says nothing more."""
    yield from list(mutators.operator_string(node))[:1]


def _without_keyword(node: cst.Call) -> Iterator[cst.CSTNode]:
    for i, argument in enumerate(node.args):
        if argument.keyword:
            yield node.with_changes(args=[*node.args[:i], *node.args[i + 1 :]])


_OURS = {mutators.operator_string: _marked, mutators.operator_arg_removal: _without_keyword}
_UNUSED = {mutators.operator_assignment, mutators.operator_lambda}
_ADDED = ((cst.CSTNode, _negated), (cst.CSTNode, _left_out), (cst.CSTNode, _shortened))
_OPERATORS: list[tuple[type, str, Any]] = [
    (kind, operator.__name__.removeprefix("operator_").strip("_"), _OURS.get(operator, operator))
    for kind, operator in (*mutators.mutation_operators, *_ADDED)
    if operator not in _UNUSED
]


class _Candidate(NamedTuple):
    """A text for a place in a module's bytes; the lines are those of `Mutant`."""

    kind: str
    new: str
    place: tuple[int, int]
    lines: tuple[int, int, int]


class _Finder(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider, ByteSpanPositionProvider)

    def __init__(self, module: cst.Module) -> None:
        self._module = module
        self.found: list[_Candidate] = []
        self._statements: list[tuple[int, int]] = []

    def _lines(self, node: cst.CSTNode) -> tuple[int, int]:
        place = self.get_metadata(PositionProvider, node)
        return place.start.line, place.end.line

    def on_visit(self, node: cst.CSTNode) -> bool:
        if _is_left_alone(node):
            return False
        if isinstance(node, cst.SimpleStatementLine):
            self._statements.append(self._lines(node))
        elif isinstance(node, cst.If | cst.While | cst.For | cst.With):
            self._statements.append((self._lines(node)[0], self._lines(node.body)[0] - 1))
        elif isinstance(node, cst.FunctionDef):
            self._statements.append((self._lines(node)[0],) * 2)
        for wanted, name, operator in _OPERATORS:
            if isinstance(node, wanted):
                line = self._lines(node)[0]
                around = self._statements[-1] if self._statements else (line, line)
                # A condition of an `if` is on its first line wherever the body begins.
                lines = (line, min(line, around[0]), max(line, around[1]))
                for new in operator(node):
                    replaced: Any = node.test if operator is _negated else node
                    span = self.get_metadata(ByteSpanPositionProvider, replaced)
                    place = (span.start, span.start + span.length)
                    code = self._module.code_for_node(new)
                    self.found.append(_Candidate(name, code, place, lines))
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        kinds = cst.SimpleStatementLine | cst.If | cst.While | cst.For | cst.With | cst.FunctionDef
        if isinstance(original_node, kinds) and not _is_left_alone(original_node):
            self._statements.pop()


def _is_left_alone(node: cst.CSTNode) -> bool:
    if isinstance(node, _LEFT_ALONE):
        return True
    if isinstance(node, cst.If):
        return isinstance(node.test, cst.Name) and node.test.value == "TYPE_CHECKING"
    if isinstance(node, cst.Assign) and isinstance(node.targets[0].target, cst.Name):
        return node.targets[0].target.value in _NAMES_LEFT_ALONE
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Name):
        return node.func.value in {"TypeVar", "cast", "super"}
    if isinstance(node, cst.SimpleStatementLine):  # a docstring
        first = node.body[0]
        return isinstance(first, cst.Expr) and isinstance(first.value, cst.SimpleString)
    return False


@cache
def _candidates(path: Path) -> tuple[_Candidate, ...]:
    """All changes of a module; kept in a file, since it takes a while to find them."""
    text = path.read_bytes()
    kept = KEPT / f"{path.stem}-{hashlib.sha256(text).hexdigest()[:16]}.json"
    if not kept.exists():
        wrapper = MetadataWrapper(cst.parse_module(text), True)
        finder = _Finder(wrapper.module)
        wrapper.visit(finder)
        KEPT.mkdir(exist_ok=True)
        kept.write_text(json.dumps(finder.found), encoding="utf-8")
    return tuple(_Candidate(*one) for one in json.loads(kept.read_text(encoding="utf-8")))


def count(path: Path) -> int:
    """Mutants of a module."""
    return len(_candidates(path))


@cache
def _around(path: Path, line: int) -> tuple[int, int]:
    kinds = ast.ClassDef | ast.FunctionDef
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, kinds) and node.lineno <= line <= (node.end_lineno or 0):
            return node.lineno, node.end_lineno or 0
    return line, line


def mutant(path: Path, number: int) -> Mutant | None:
    """One mutant of a module by its number, or None where it is no Python."""
    one = _candidates(path)[number]
    around = _around(path, one.lines[0])
    text, (start, end) = path.read_bytes(), one.place
    source = (text[:start] + one.new.encode() + text[end:]).decode()
    try:
        compile(source, str(path), "exec")
    except SyntaxError:
        return None
    return Mutant(str(path.relative_to(ROOT)), number, one.kind, *one.lines, around, source)


def sample(path: Path, size: int, seed: int) -> list[int]:
    """Numbers of some mutants of a module: of each kind its share, along the module's length."""
    found = _candidates(path)
    rng = random.Random(f"{path.name} {seed}")
    ordered = sorted(range(len(found)), key=lambda i: (found[i].kind, found[i].lines, i))
    step = max(1.0, len(ordered) / size)
    begin = rng.random() * step
    return [ordered[int(begin + i * step)] for i in range(size) if begin + i * step < len(ordered)]
