"""Coverage-guided fuzzing of the readers of text: atheris chooses bytes that reach new lines.

``python -m fuzz.guided TARGET SECONDS [FOLDER]``: a target is a container of text, or
``state``, the metadata of a `save_to_disk` folder. Our verdict is held to the slow reader's, as
everywhere else. Knows nothing of named ways of damage.

Needs the package ``atheris``, which counts what Python code is reached: of the project's readers,
of what finds saved folders, and of `json`.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import atheris

# What is imported within is counted; the slow reader is not, so that it costs nothing.
with atheris.instrument_imports(include=["pytest_pretok.readers", "pytest_pretok.discovery"]):
    for name in (
        *("readers.json_array", "readers.json_fast", "readers.json_header", "readers.json_kind"),
        *("readers.json_rows", "readers.jsonl", "readers.sniff", "readers.text"),
        *("discovery.saved", "discovery.sources"),
    ):
        import_module(f"pytest_pretok.{name}")

from fuzz.bases import VARIANTS, base_of
from fuzz.damage import mutant
from fuzz.ours import verdict
from fuzz.runner import BAD
from fuzz.worker import FOLDER, compare, write

OFTEN = 100  # files between two lines that tell how it goes
LONGEST = 1024  # bytes of a file: what there is to reach is reached by small ones
ROWS = (
    b'{"input_ids": [1, 7, 2], "attention_mask": [1, 1, 1], "labels": [-100, 7, 2]}',
    b'{"labels":[-100,7,2],"x":{"labels":[]},"input_ids":[1,7,2],"attention_mask":[1,1,1]}',
    b'{"input_ids":null,"attention_mask":[],"labels":[1.0,true,"2"],"y":"a\\"b\\u00e9"}',
    b'{"input_ids": [1, -2147483649], "labels": [9223372036854775807, 1e2]}',
)
TARGETS = ("jsonl", "json-array", "state")
WORDS = (
    *('"input_ids": [', '"labels": [', '"attention_mask": [', '"_data_files": [', '"filename": "'),
    *("NaN", "-Infinity", "1e400", "9223372036854775808", "\\ud800", "\\u0000", "../", "},\n{"),
)


# Tokens of JSON, and what is none byte by byte; those that are values begin with one of some bytes.
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|\s+|.', re.DOTALL)
VALUE = [bytes([byte]) for byte in b'"-0123456789tfn']
VALUES = (
    *(b"0", b"1", b"-100", b"-1", b"2147483648", b"18446744073709551516", b"1.0", b"1.5", b"1e2"),
    *(b"true", b"null", b"[]", b"[[1]]", b"{}", b'""', b'"1"', b"[1, 2]", b"-0", b"1e400"),
    *(b'"labels"', b'"input_ids"', b'"attention_mask"', b'"\\u006cabels"', b"NaN", b" 1", b"\t1"),
)


def target(name: str, tally: Counter[str]) -> Callable[[bytes], None]:
    """What atheris calls with bytes: raises where our verdict is not one that is allowed."""
    container = "save-to-disk" if name == "state" else name
    base = base_of(container, 1, 0)
    file = "state.json" if name == "state" else base.name

    def judge(data: bytes) -> None:
        with tempfile.TemporaryDirectory(prefix="guided-", dir=FOLDER) as folder:
            path = write(Path(folder), {**base.files, file: data}, container)
            found = verdict(path, container, random.Random(len(data)))
            outcome, evidence = compare(found, path, container)
        tally[outcome] += 1
        if sum(tally.values()) % OFTEN == 0:  # libFuzzer ends the process itself, without a word
            print(f"{name}: {sum(tally.values())} files, {dict(tally)}", flush=True)
        if outcome in BAD:
            raise AssertionError(f"{outcome}: {evidence}")

    return judge


def mutated(data: bytes, most: int, seed: int) -> bytes:
    """Bytes that are others in some places; in half of the cases what was JSON stays JSON."""
    rng = random.Random(seed)
    tokens = TOKEN.findall(data)
    values = [at for at, token in enumerate(tokens) if token[:1] in VALUE]
    if not values or rng.random() < 0.5:
        changed: bytes = atheris.Mutate(data, most)
        return changed
    for _ in range(rng.randint(1, 3)):
        at = rng.choice(values)
        act = rng.randrange(3)
        if act == 0:
            tokens[at] = rng.choice((*VALUES, *(tokens[other] for other in values)))
        elif at + 1 < len(tokens) and tokens[at + 1] in b",:":
            tokens[at] = tokens[at] + tokens[at + 1] + tokens[at] if act == 1 else b""
            tokens[at + 1] = tokens[at + 1] if act == 1 else b""
    return b"".join(tokens)[:most]


def seeds(name: str, folder: Path) -> None:
    """Sound and damaged files to begin with, one each."""
    if name == "state":
        made = [mutant("save-to-disk", 1, at) for at in range(VARIANTS, 40 * VARIANTS)]
        found = [files["state.json"] for way, files in made if way == "state"]
    else:
        row, end = (b"\n", b"\n") if name == "jsonl" else (b",\n", b"]")
        start = b"" if name == "jsonl" else b"["
        found = [start + row.join((*ROWS[:at], *ROWS[:1])) + end for at in range(len(ROWS) + 1)]
        found += [b"\xef\xbb\xbf" + found[1], found[1].replace(b"\n", b"\r\n")]
    for number, content in enumerate(found):
        (folder / f"seed-{number}").write_bytes(content)


def main(arguments: list[str]) -> None:
    """Fuzz one target for some seconds; a file that fails is kept in the folder, if given."""
    name, seconds = arguments[0], arguments[1]
    if name not in TARGETS:
        raise SystemExit(f"unknown target {name}, not one of {', '.join(TARGETS)}")
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="guided-") as scratch:
        corpus, words = Path(scratch) / "corpus", Path(scratch) / "words"
        corpus.mkdir()
        seeds(name, corpus)
        spelled = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in WORDS)
        words.write_text("".join(f'"{word}"\n' for word in spelled), encoding="utf-8")
        options = [
            f"-max_total_time={seconds}",
            f"-dict={words}",
            f"-max_len={LONGEST}",
            "-timeout=240",
        ]
        if len(arguments) > 2:
            options.append(f"-artifact_prefix={Path(arguments[2]) / (name + '-')}")
        arguments = [sys.argv[0], str(corpus), *options]
        atheris.Setup(arguments, target(name, tally), custom_mutator=mutated)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
