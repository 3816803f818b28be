"""How Sphinx makes the site; `python -m docs.site.build` lays out the sources that it reads."""

import os
import tomllib
from pathlib import Path

from docs.site import docstrings

ROOT = Path(docstrings.__file__).resolve().parents[2]  # this file is a copy, among the sources
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project, version = PROJECT["name"], PROJECT["version"]
author = PROJECT["authors"][0]["name"]
copyright = author  # no year: it would change the pages without a change of the text

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx.ext.mathjax",
    "docs.site.docstrings",
]
root_doc = "index"
exclude_patterns = ["extra"]
suppress_warnings = ["myst.header"]  # a chapter may go from its title to an answer's heading

highlight_language = "text"  # a block without a language is a command, or what it printed
nb_execution_mode = "off"  # pages show what the tests have run
nb_ipywidgets_js = {}  # no widget states are committed, so nothing is asked for
nb_render_markdown_format = "myst"
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
suppress_warnings += ["myst.strikethrough"]

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_attr_annotations = False  # types stand in the signature
add_module_names = False
python_use_unqualified_type_names = True
maximum_signature_line_length = 88

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static"]
html_extra_path = ["extra"]
html_css_files = ["site.css"]
html_js_files = ["molecule.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_last_updated_fmt = None
mathjax_path = "mathjax/tex-svg.js"
mathjax3_config = {"options": {"enableMenu": False}}
html_context = {"default_mode": "auto"}
html_theme_options = {
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": False,  # each chapter has its own doors
    "use_fullscreen_button": False,
    "navigation_with_keys": False,
    "navbar_persistent": [],
    "logo": {"text": project},
}
if repository := os.environ.get("REPOSITORY"):
    html_theme_options |= {"repository_url": repository, "use_repository_button": True}
