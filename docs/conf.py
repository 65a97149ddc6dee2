"""How Sphinx builds this documentation: ``sphinx-build -W -n docs FOLDER``.

Nothing is made during the build: the pages that follow from the code lie here, written by
``PRETOK_REWRITE=1 pytest tests/docs/test_pages.py`` and held fresh by that test.
"""

from __future__ import annotations

from pytest_pretok import __version__

project = "pytest-pretok"
author = "The pytest-pretok developers"
copyright = "the pytest-pretok developers"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
default_role = "code"  # the docstrings write `names` with one backtick

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
# Types of other packages, and of parts that the pages leave out: nowhere to link to.
nitpick_ignore_regex = [
    (r"py:.*", r"(pa|pyarrow|np|numpy|collections|typing|enum|dataclasses)\..*"),
    (r"py:.*", r"(str|int|float|bool|bytes|object|dict|list|tuple|set|frozenset|type|None)"),
    (r"py:.*", r"(Any|Callable|Iterable|Iterator|Literal|Mapping|Sequence|tuple\[str)"),
    (r"py:.*", r"(KeyError|TypeError|ValueError)"),
    (r"py:.*", r"pretok_schemas\.batch\.(Defect|Foreign|Lists|T|View)"),
    (r"py:.*", r"pretok_schemas\.custom\..*(Custom|FunctionRule)"),
    (r"py:.*", r"pytest\.Config"),
    # Imported for types alone, so named without their package.
    (r"py:.*", r"(Change|Refusal|Rule|SchemaFault)"),
]

html_theme = "furo"
html_title = "pytest-pretok"
html_static_path = ["_static"]
html_css_files = ["pretok.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "monokai"
