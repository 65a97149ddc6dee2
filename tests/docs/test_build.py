"""The documentation builds without a warning, and nothing in it leads nowhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ABOVE = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "example_project/README.md"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, as Sphinx makes them; its warnings are errors, missing targets among them."""
    out = tmp_path_factory.mktemp("html")
    sphinx = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-E"]
    done = subprocess.run(
        [*sphinx, "-d", str(out / "trees"), str(ROOT / "docs"), str(out / "html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out / "html"


def test_every_page_is_in_the_menu(built: Path) -> None:
    """Whoever stands on the first page finds every page there is."""
    first = (built / "index.html").read_text(encoding="utf-8")
    menu = set(re.findall(r'class="toctree-l\d.*?href="([^"#]+)"', first))
    pages = {p.relative_to(built).as_posix() for p in built.rglob("*.html")}

    assert (
        pages - menu - {"index.html", "genindex.html", "search.html", "py-modindex.html"} == set()
    )


def test_anchors_are_there(built: Path) -> None:
    """Every link within the pages leads to a page and a place that exist."""
    texts = {p: p.read_text(encoding="utf-8") for p in built.rglob("*.html")}
    broken = []
    for page, text in texts.items():
        for target in set(re.findall(r'<a [^>]*?href="([^"]+)"', text)):
            file, _, anchor = target.partition("#")
            if ":" in file:
                continue
            path = (page.parent / file).resolve() if file else page
            if not path.exists() or (anchor and f'id="{anchor}"' not in texts.get(path, "")):
                broken.append(f"{page.relative_to(built)} -> {target}")

    assert len(texts) > 60
    assert broken == []


@pytest.mark.parametrize("page", ABOVE)
def test_links_outside_the_pages(page: str) -> None:
    """What the README and its like link to lies in the repository."""
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    missing = [one for one in links if not ((ROOT / page).parent / one.split("#")[0]).exists()]

    assert missing == []
