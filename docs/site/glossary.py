"""The glossary: read from docs/glossary.md, linked from the first place in each chapter that uses a term."""

import re
from dataclasses import dataclass
from pathlib import Path

ENTRY = re.compile(
    r"^\*\*(?P<term>[^*]+)\*\*"
    r"(?:<!-- (?:also: (?P<also>[^;>]+?))?(?:; )?(?:only: (?P<only>[\d, ]+))? -->)?: (?P<words>.+)$"
)
# Where no link may stand: code, formulas, links, directives, headings, pictures, comments.
CLOSED = re.compile(
    r"^## References.*\Z|```.*?```|~~~.*?~~~|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$|!?\[[^\]]*\]\([^)]*\)|^#.*?$|<[^>]*>|https?://\S+",
    re.S | re.M,
)
HEADING = re.compile(r"^#+ (?!References)", re.M)


@dataclass(frozen=True)
class Term:
    """A word of the field.

    Attributes:
        name: The word.
        also: Other forms of it.
        only: First digits of the chapters in which it has this meaning; all when empty.
        words: What it means, in Markdown.
    """

    name: str
    also: tuple[str, ...]
    only: tuple[str, ...]
    words: str

    @property
    def anchor(self) -> str:
        """Of its place on the page."""
        return "term-" + re.sub(r"\W+", "-", self.sorted).strip("-")

    @property
    def sorted(self) -> str:
        """By which the page sorts it."""
        return self.name.lower().replace("δ", "delta")

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds the term in a text, also in the plural."""
        forms = sorted((re.escape(form) for form in (self.name, *self.also)), key=len, reverse=True)
        text = "|".join(form.replace(r"\ ", r"\s+") for form in forms)
        return re.compile(rf"(?<![\w-])(?:{text})(?:e?s)?(?![\w-])", re.I)


@dataclass(frozen=True)
class Glossary:
    """All terms, longest first, so that `force field` is not taken for a force."""

    terms: tuple[Term, ...]
    title: str
    head: str

    def begin(self, number: str) -> set[str]:
        """Terms that a chapter does not link, because it means something else by them."""
        return {t.name for t in self.terms if t.only and not number.startswith(t.only)}

    def linked(self, text: str, seen: set[str], up: str) -> str:
        """A Markdown text with links to the terms that were not yet seen.

        Args:
            text: Of a cell.
            seen: Terms that have their link; the new ones are added.
            up: Way from the page to the root of the site.
        """
        open_, end = [], 0
        for closed in CLOSED.finditer(text):
            open_ += [self._link(text[end : closed.start()], seen, up), closed.group()]
            end = closed.end()
        return "".join(open_) + self._link(text[end:], seen, up)

    def _link(self, text: str, seen: set[str], up: str) -> str:
        found: list[tuple[int, int, Term]] = []
        for term in self.terms:
            if term.name in seen:
                continue
            for match in term.pattern.finditer(text):
                if all(match.end() <= start or match.start() >= end for start, end, _ in found):
                    found.append((*match.span(), term))
                    seen.add(term.name)
                    break
        for start, end, term in sorted(found, key=lambda hit: -hit[0]):
            link = (
                f'<a class="term" href="{up}docs/glossary.html#{term.anchor}">{text[start:end]}</a>'
            )
            text = text[:start] + link + text[end:]
        return text

    def used(self, text: str, number: str) -> set[str]:
        """Terms that a chapter uses, in its headings too."""
        aside = self.begin(number)
        seen = set(aside)
        self.linked(HEADING.sub("", text), seen, "")
        return seen - aside


def read(path: Path) -> Glossary:
    """The glossary, one line a term: `**term**<!-- also: other form, another -->: what it means`.

    Raises:
        ValueError: A line that begins like an entry and is none, or a term told twice.
    """
    terms, head = [], []
    title, *lines = path.read_text(encoding="utf-8").splitlines()
    for line in lines:
        if entry := ENTRY.match(line):
            also, only = (
                tuple(re.findall(r"[^,\s][^,]*", entry[key] or "")) for key in ("also", "only")
            )
            terms.append(Term(entry["term"], also, only, entry["words"]))
        elif line.startswith("**"):
            raise ValueError(f"{path.name}: an entry is `**term**: words`, got {line[:60]!r}")
        elif line:
            head.append(line)
    names = [term.name for term in terms]
    if len(set(names)) < len(names):
        raise ValueError(f"told twice: {sorted({n for n in names if names.count(n) > 1})}")
    return Glossary(tuple(sorted(terms, key=lambda t: -len(t.name))), title, "\n".join(head))


def page(glossary: Glossary, uses: dict[str, list[tuple[str, str]]]) -> str:
    """The page of all terms.

    Args:
        glossary: All terms.
        uses: For each term, numbers and addresses of the chapters that use it.
    """
    rows = [glossary.title, "", glossary.head, ""]
    for term in sorted(glossary.terms, key=lambda term: term.sorted):
        rows += [f"({term.anchor})=", term.name, f": {term.words}", ""]
        if links := " · ".join(f"[{number}]({address})" for number, address in uses[term.name]):
            rows += [f"  {'Chapters' if len(uses[term.name]) > 1 else 'Chapter'} {links}", ""]
    return "\n".join(rows)
