"""A session that checks data: its plan, its verdicts, and the hooks that need them.

Registered by the plugin only when there is something to check; until then nothing here is
imported.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pretok_schemas.findings import Finding
from pytest_pretok import nodes
from pytest_pretok.arguments import ANCHOR
from pytest_pretok.checks import Checks, Options, Selection, Subject
from pytest_pretok.engines import EngineError
from pytest_pretok.outputs import Outputs
from pytest_pretok.plan import Plan, is_ours
from pytest_pretok.progress import open_display
from pytest_pretok.report import summary
from pytest_pretok.report.records import Records, record
from pytest_pretok.stores import Location
from pytest_pretok.termination import Termination
from pytest_pretok.text import node_path

if TYPE_CHECKING:
    from pytest_pretok.baseline import Standing
    from pytest_pretok.report.known import Update

# All was run, or nothing chosen. 3, for one, is an error of pytest or a plugin amid the items.
_TO_THE_END = (0, 1, 5)
_FINDING = pytest.StashKey[Finding]()
_CUT_SHORT = "INCOMPLETE: the run was cut short; what is not told above was not judged"
_LOST = "pretok_lost_part"  # what a worker says: why its violations were not written


class DataSession:
    """All state of one session; registered as a plugin of its own."""

    def __init__(
        self,
        config: pytest.Config,
        plan: Plan,
        positional: tuple[Path, ...],
        asked: tuple[Path, ...],
        odd_files: tuple[Location, ...],
    ) -> None:
        self.config = config
        self.plan = plan
        self.positional = positional
        self.asked = asked
        self.odd_files = odd_files
        self.records = Records(plan, config.rootpath.as_posix())
        self.session: pytest.Session | None = None
        violations = config.getoption("pretok_violations")
        reports = config.getoption("pretok_report")
        self.outputs = Outputs(config.invocation_params.dir, reports, violations)
        if not hasattr(config, "workerinput"):
            self.outputs.remove_parts()
        options = Options(
            config.getoption("pretok_examples"),
            config.getoption("pretok_workers"),
            violations is not None,
            config.getoption("pretok_update_baseline"),
            config.getoption("pretok_engine"),
        )
        self.updates: list[Update] = []
        self._termination: Termination | None = None
        self.checks = Checks(plan, options, self._selection)
        self._told: dict[tuple[int, str], dict[str, Any]] = {}
        self._folders: dict[str, list[str]] = defaultdict(list)
        for folder in sorted(plan.folders):
            self._folders[os.path.dirname(folder)].append(folder)
        self._files: dict[str, list[str]] = defaultdict(list)
        for anchor in plan.anchors:
            self._files[os.path.dirname(anchor)].append(anchor)

    # -- what nodes ask

    def folders_in(self, folder: str) -> list[str]:
        """Planned folders directly in a folder."""
        return [child for child in self._folders.get(folder, []) if child != folder]

    def files_in(self, folder: str) -> list[str]:
        """Anchor files directly in a folder, in the order of the plan."""
        return self._files.get(folder, [])

    def _items(self) -> list[nodes.RuleItem]:
        items = self.session.items if self.session is not None else []
        return [item for item in items if isinstance(item, nodes.RuleItem)]

    def _selection(self) -> Selection:
        found: dict[tuple[int, str | None], set[str]] = defaultdict(set)
        for item in self._items():
            found[item.subject.number, item.subject.split].add(item.subject.rule)
        return {key: frozenset(rules) for key, rules in found.items()}

    def runs(self, number: int, split: str | None, rule: str | None) -> bool:
        """Whether the item of a rule runs too (for a rule across splits: on every split).

        One that passes by a baseline alone does not count: nobody would see what it hides. Nor
        does a unit that a cluster lost, where another process may read it for the other item.
        """
        return self.checks.runs(number, split, rule, hasattr(self.config, "workerinput"))

    def cause_of(self, subject: Subject, finding: Finding) -> Finding | None:
        """The finding that left a rule without a verdict."""
        return self.checks.cause_of(subject, finding)

    def judge(self, item: nodes.RuleItem) -> Finding:
        """The finding of an item, kept for its report."""
        subject = item.subject
        finding, standing = self._weighed(subject)
        item.stash[_FINDING] = finding
        scan = self.scan_record(subject.number, subject.split) if subject.split else None
        properties: list[tuple[str, object]] = [
            ("severity", finding.severity.value),
            ("effect", finding.effect.value if finding.effect else "none"),
            ("violations", finding.violations),
        ]
        if standing is not None:
            properties.append(("baseline", standing.allowed))
        if scan is not None:
            properties += [("rows", scan["rows"]), ("tokens", scan["tokens"])]
        item.user_properties += properties
        return finding

    def _weighed(self, subject: Subject) -> tuple[Finding, Standing | None]:
        try:
            return self.checks.weighed(subject.number, subject.split, subject.rule, subject.only)
        except EngineError as error:
            if self.session is not None and not hasattr(self.config, "workerinput"):
                # Every other item would wait for nothing and say the same.
                self.session.shouldfail = str(error).splitlines()[0]
            raise

    def standing(self, subject: Subject) -> Standing | None:
        """How an item's finding stands to the baseline, if one is in force."""
        return self.checks.weighed(subject.number, subject.split, subject.rule, subject.only)[1]

    def scan_record(self, number: int, split: str) -> dict[str, Any]:
        """What a scan adds up to, for the summary and the reports."""
        key = (number, split)
        if key not in self._told:
            self._told[key] = summary.scan_record(self.checks.scan(number, split))
        return self._told[key]

    def _record(self, item: nodes.RuleItem, finding: Finding) -> dict[str, Any]:
        subject = item.subject
        scan = self.scan_record(subject.number, subject.split) if subject.split else None
        return record(subject, item.nodeid, finding, self.standing(subject), scan)

    # -- hooks

    def pytest_sessionstart(self) -> None:
        """Take hold of the terminal before capture does; workers of pytest-xdist have none.

        What CI sends before it kills ends the session as Ctrl-C does: reports say how far it came,
        and no engine is left behind. A worker of pytest-xdist is ended by its controller.
        """
        config = self.config
        if not hasattr(config, "workerinput"):
            self._termination = Termination()
            config.add_cleanup(self._termination.close)
        if config.get_verbosity() >= 0 and config.pluginmanager.hasplugin("terminalreporter"):
            self.show_progress()

    def show_progress(self) -> None:
        """Let long scans be seen on the terminal, if it is one."""
        config = self.config
        writer = config.get_terminal_writer()
        display = open_display(sys.stdout, lambda: writer.width_of_current_line, os.environ)
        if display is not None:
            self.checks.watch = display.watch
            config.add_cleanup(display.close)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(
        self, path: Path, parent: pytest.Collector
    ) -> pytest.Collector | None:
        """Folders of planned data are collected without running what lies in them."""
        if is_ours(self.plan, path, self.positional, self.asked):
            return nodes.DataFolder.make(parent, path, self)
        return None

    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> pytest.Collector | None:
        """Planned files are collected wherever pytest meets them."""
        if file_path == ANCHOR and self.odd_files:
            anchor = nodes.Anchor.from_parent(
                parent, name=ANCHOR.name, path=ANCHOR, nodeid="pretok"
            )
            anchor.data = self
            return anchor
        if str(file_path) in self.plan.anchors and file_path not in self.odd_files:
            return nodes.DataFile.make(parent, file_path, self)
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """`norecursedirs` must not lose planned data: build/ and dist/ hold some."""
        text = str(collection_path)
        return False if text in self.plan.folders or text in self.plan.anchors else None

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The items that will run, after every deselection."""
        self.session = session

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Give the report of an item its finding, in builtins."""
        report = yield
        if isinstance(item, nodes.RuleItem) and call.when == "call":
            finding = item.stash.get(_FINDING, None)
            if finding is not None:
                report.pretok = json.dumps(self._record(item, finding))  # type: ignore[attr-defined]
            if report.skipped and isinstance(report.longrepr, tuple):
                path, line, _ = item.reportinfo()
                reason = report.longrepr[2]
                shown = item.parent.nodeid if item.afar and item.parent else str(path)
                report.longrepr = (shown, line + 1, reason)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather the findings where the session is reported."""
        found = getattr(report, "pretok", None)
        if found is not None:
            self.records.add(json.loads(found), report.outcome)
            if not hasattr(self.config, "workerinput"):
                # The terminal keeps every report to the end, a worker has yet to send it.
                del report.pretok
        elif report.failed and ("pretok" in report.keywords or self._crashed(report)):
            self.records.errors += 1

    def _crashed(self, report: pytest.TestReport) -> bool:
        """Whether a worker of pytest-xdist died over an item of ours; it left no keywords."""
        root = self.config.rootpath
        return not report.keywords and any(
            report.nodeid.startswith(f"{node_path(Path(anchor), root)}::")
            for anchor in self.plan.anchors
        )

    def pytest_report_header(self) -> list[str]:
        """What will be checked."""
        lines = summary.header(self.plan)
        if self.plan.baselines:
            from pytest_pretok.report import known  # lazy: start cost

            updating = self.checks.options.update_baseline
            lines += known.header(self.plan, self.config.rootpath, updating)
        return lines

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write what was asked for, and stop the engine, which may take a while."""
        if self._termination is not None:
            self._termination.ignore()
        try:
            self._finish(session, exitstatus)
        finally:
            self.checks.close()

    def _finish(self, session: pytest.Session, exitstatus: int) -> None:
        if hasattr(self.config, "workerinput"):
            worker = self.config.workerinput["workerid"]
            lost = self.outputs.write_part(worker, self.checks)
            vars(self.config)["workeroutput"][_LOST] = lost  # pytest-xdist put it there
            return
        if not self._distributed():
            self.outputs.write_part("main", self.checks)
        self.outputs.join_parts(self.plan)
        self.records.complete = int(exitstatus) in _TO_THE_END and not (
            session.shouldstop or session.shouldfail
        )
        self.outputs.write_reports(self.records)
        self._tell_hooks()
        self._update_baseline(exitstatus)
        if int(exitstatus) == 0 and self._unwritten():
            session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def _tell_hooks(self) -> None:
        """Hand the report to those who asked for it."""
        hook = self.config.hook.pytest_pretok_report
        if hook.get_hookimpls():
            from pytest_pretok.report.json_report import report_dict  # lazy: start cost

            # Through JSON, so that nothing a hook does to it changes what is written.
            report = json.loads(json.dumps(report_dict(self.records)))
            hook(report=report, config=self.config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Hear whether a pytest-xdist worker, gone by now, could write its violations."""
        lost = getattr(node, "workeroutput", {}).get(_LOST)
        if lost is not None:
            self.outputs.lost_part(lost)

    def pytest_unconfigure(self) -> None:
        """Stop the engine even where another plugin's end went wrong."""
        self.checks.close()

    def _update_baseline(self, exitstatus: int) -> None:
        collects_only = self.config.getoption("collectonly", False)
        if self.checks.options.update_baseline and not collects_only:
            from pytest_pretok.report import known  # lazy: start cost

            # 2: interrupted, 3: an error of ours or of a plugin. Neither is a state to keep.
            self.updates = known.update(self.records, int(exitstatus) in (2, 3))

    def _unwritten(self) -> bool:
        return bool(self.outputs.lines) or any(one.error is not None for one in self.updates)

    def _distributed(self) -> bool:
        return bool(getattr(self.config.option, "dist", "no") != "no" and self.config.option.tx)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """One paragraph a split, also when all is well; under -qq what was not written alone."""
        width = self.config.get_terminal_writer().fullwidth
        quiet = self.config.get_verbosity() < -1
        lines = []
        if self.plan.baselines and not (quiet and all(one.error is None for one in self.updates)):
            lines += self._baseline_lines(width)
        if not quiet:
            lines += summary.lines(self.records, width)
        lines += [] if self.records.complete else [_CUT_SHORT]
        lines += self.outputs.lines
        if lines:
            terminalreporter.section("pretok", "-")
            for line in lines:
                terminalreporter.line(line)
        if self.config.getoption("pretok_annotations"):
            from pytest_pretok.report.annotations import lines as commands  # lazy: start cost
            from pytest_pretok.report.json_report import report_dict

            for line in commands(report_dict(self.records)):
                terminalreporter.line(line)

    def _baseline_lines(self, width: int) -> list[str]:
        from pytest_pretok.report import known  # lazy: start cost

        root = self.config.rootpath
        if self.checks.options.update_baseline:
            return known.update_lines(self.updates, root, width)
        return known.lines(self.records, root, width)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Hand the plan to a pytest-xdist worker: it must not make another one."""
        node.workerinput["pretok_plan"] = json.dumps(self.plan.to_dict())
