"""A pytest run in this process that knows our plugin alone, whatever the repository has set up.

What shields it: an ini file of ours, no conftest.py, no plugin that is merely installed, and none
of pytest's environment variables. Must not know what is checked.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import pytest

from pytest_pretok.notices import PretokWarning
from pytest_pretok.streams import Lasting
from pytest_pretok.whole_files import reason_of

if TYPE_CHECKING:
    from pytest_pretok.nodes import RuleItem
    from pytest_pretok.session import DataSession

SETTINGS = Path(__file__).with_name("check.ini")
SHIELD = (
    "-c",
    str(SETTINGS),
    "--rootdir=.",  # ids are seen from where the command is given, and can be copied
    "--noconftest",
    "-p",
    "no:cacheprovider",
    "-p",
    "pytest_pretok.plugin",
    "--tb=short",
    "--disable-warnings",  # shown by `Shown`, without pytest's advice for test code
)
# What pytest would read: words for its command line, plugins, a trace of its own calls.
_UNSET = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DEBUG")
_AUTOLOAD = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"


@dataclass(frozen=True, slots=True)
class Manner:
    """What is shown: the rules that count (none named: all of them), and how much is said."""

    rules: tuple[str, ...] = ()
    quiet: bool = False
    verbose: bool = False

    @property
    def words(self) -> list[str]:
        """The manner in pytest's words."""
        if self.verbose:
            return ["-v"]
        return ["-qq", "--tb=no"] if self.quiet else ["-q"]


def run(words: Sequence[str], manner: Manner) -> int:
    """Run pytest with these words behind the shield; its exit code.

    Output that nobody reads on (``| head``) changes no verdict, and output that is lost is told.
    """
    out, err = Lasting(sys.stdout), Lasting(sys.stderr)
    with (
        _unsettled() as restore,
        warnings.catch_warnings(),
        redirect_stdout(cast(TextIO, out)),
        redirect_stderr(cast(TextIO, _Translated(cast(TextIO, err)))),
    ):
        # Filters of the interpreter (-W, PYTHONWARNINGS) are meant for code, not for data.
        warnings.simplefilter("ignore")
        arguments = [*SHIELD, *manner.words, *words]
        code = int(pytest.main(arguments, plugins=[Shown(manner, restore)]))
        out.flush()
        if out.failure is None or isinstance(out.failure, BrokenPipeError):
            return code
        sys.stderr.write(f"Error: the output was not written: {reason_of(out.failure)}\n")
        return code or int(pytest.ExitCode.USAGE_ERROR)


@contextmanager
def _unsettled() -> Iterator[Any]:
    """No pytest settings in the environment, until what is yielded is called, or to the end."""
    before = {name: os.environ.get(name) for name in (*_UNSET, _AUTOLOAD)}
    for name in _UNSET:
        os.environ.pop(name, None)
    os.environ[_AUTOLOAD] = "1"

    def restore() -> None:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    try:
        yield restore
    finally:
        restore()


class _Translated:
    """A stream that speaks of this command's words where pytest speaks of its own."""

    _SPOKEN = (
        ("ERROR: ", "Error: "),
        ("Exit: ", "Error: "),
        ("--pretok-data=", ""),
        ("--pretok-", "--"),
    )

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        """All else is the stream's."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write the text in our words."""
        for theirs, ours in self._SPOKEN:
            text = text.replace(theirs, ours)
        return self._stream.write(text)


class Shown:
    """pytest's terminal for someone who does not know pytest, and the rules that count."""

    def __init__(self, manner: Manner, restore: Any) -> None:
        self.manner = manner
        self.restore = restore
        self.warned: list[tuple[str, str]] = []

    @property
    def plain(self) -> bool:
        """Neither the one line a failure nor pytest's own ways."""
        return not (self.manner.quiet or self.manner.verbose)

    def pytest_configure(self) -> None:
        """All is read: what is started from here on has the environment as it was."""
        self.restore()

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Show the progress of long scans, which a run with ``-q`` would not."""
        data = _data(session.config)
        if data is not None and self.plain:
            data.show_progress()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[RuleItem]) -> None:
        """Leave the rules that were asked for; one whose cause is left out fails by itself."""
        if not self.manner.rules:
            return
        kept = [item for item in items if item.subject.rule in self.manner.rules]
        left = [item for item in items if item.subject.rule not in self.manner.rules]
        config.hook.pytest_deselected(items=left)
        items[:] = kept

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Say what is checked, and what is not."""
        data, reporter = _data(session.config), _reporter(session.config)
        if data is not None and reporter is not None and self.plain:
            for line in data.pytest_report_header():
                reporter.write_line(line)

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Any:
        """No dots: their number is that of the rules, which tells nobody anything."""
        category, letter, word = yield
        return category, letter if self.manner.verbose else "", word

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, nodeid: str
    ) -> None:
        """Gather what the rules warn of."""
        if issubclass(warning_message.category, PretokWarning):
            self.warned.append((nodeid, str(warning_message.message).rstrip()))

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """What the rules warn of, as failures are shown."""
        if self.manner.quiet or not self.warned:
            return
        terminalreporter.section("WARNINGS", "=", yellow=True, bold=True)
        for nodeid, text in self.warned:
            terminalreporter.write_sep("_", nodeid, yellow=True, bold=True)
            terminalreporter.line(text)


def _data(config: pytest.Config) -> DataSession | None:
    data: DataSession | None = config.pluginmanager.get_plugin("pretok-data")
    return data


def _reporter(config: pytest.Config) -> pytest.TerminalReporter | None:
    found: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
    return found
