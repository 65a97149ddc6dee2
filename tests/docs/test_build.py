"""The documentation builds without a warning, and nothing in it leads nowhere."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from tests.support.browser import Browser

ROOT = Path(__file__).parents[2]
OF_SPHINX = {"index.html", "genindex.html", "search.html", "py-modindex.html"}
ABOVE = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "example_project/README.md"]


def test_the_pages(tmp_path: Path, chromium: Browser) -> None:
    """Sphinx makes the pages without a warning, every page and link can be followed, and the first
    page opens well in a browser.

    One test, since a build takes its time, and workers of pytest-xdist share nothing.
    """
    html = built(tmp_path)
    texts = {page: page.read_text(encoding="utf-8") for page in html.rglob("*.html")}

    assert len(texts) > 60
    assert not_in_the_menu(html, texts) == set()
    assert leading_nowhere(html, texts) == []
    for width, dark in product((400, 1400), (False, True)):
        opens_well(chromium, html / "index.html", width, dark)


def opens_well(chromium: Browser, page: Path, width: int, dark: bool) -> None:
    """A page opens without a complaint, asks for nothing far away, and fits its window."""
    chromium.open(page, width, dark=dark)
    paper = chromium.tell("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", paper)[:3]))

    assert chromium.complaints == []
    assert {address.split(":")[0] for address in chromium.requests} <= {"file", "data"}
    assert chromium.tell("document.documentElement.scrollWidth") <= width
    assert chromium.tell("document.querySelector('h1').checkVisibility()")
    assert brightness < 200 if dark else brightness > 600


def built(folder: Path) -> Path:
    """The pages; warnings are errors, targets that are missing among them."""
    sphinx = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-E"]
    done = subprocess.run(
        [*sphinx, "-d", str(folder / "trees"), str(ROOT / "docs"), str(folder / "html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "html"


def not_in_the_menu(html: Path, texts: dict[Path, str]) -> set[str]:
    """The pages that nobody finds who stands on the first one."""
    menu = set(re.findall(r'class="toctree-l\d.*?href="([^"#]+)"', texts[html / "index.html"]))
    pages = {page.relative_to(html).as_posix() for page in texts}
    return pages - menu - OF_SPHINX


def leading_nowhere(html: Path, texts: dict[Path, str]) -> list[str]:
    """The links within the pages whose page or place does not exist."""
    broken = []
    for page, text in texts.items():
        for target in set(re.findall(r'<a [^>]*?href="([^"]+)"', text)):
            file, _, anchor = target.partition("#")
            path = (page.parent / file).resolve() if file else page
            if ":" in file:
                continue
            if not path.exists() or (anchor and f'id="{anchor}"' not in texts.get(path, "")):
                broken.append(f"{page.relative_to(html)} -> {target}")
    return broken


@pytest.mark.parametrize("page", ABOVE)
def test_links_outside_the_pages(page: str) -> None:
    """What the README and its like link to lies in the repository."""
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    missing = [one for one in links if not ((ROOT / page).parent / one.split("#")[0]).exists()]

    assert missing == []
