"""A question with a few answers, asked before a run: whoever guesses first sees more."""

from collections.abc import Sequence
from html import escape
from typing import Any

from ipywidgets import HTML, ToggleButtons

from mdlearn.view.panel import Panel, at_home, heading


class Choice(Panel):
    """Buttons under a question; the tab key and space reach them too."""

    def __init__(self, question: str, options: Sequence[str]) -> None:
        wide = {"button_width": "auto"}
        self.buttons = ToggleButtons(options=tuple(options), index=None, style=wide)
        self.told = HTML()
        self.buttons.observe(at_home(self._guessed), "index")
        title = f"Your guess first: {question}"
        alt = f"{title} ({' / '.join(options)})"
        super().__init__([heading(title), self.buttons, self.told], alt=alt)

    @property
    def guess(self) -> str | None:
        """The option chosen, or `None`."""
        return self.buttons.value

    def reveal(self, answer: str, because: str = "") -> "Revealed":
        """The answer beside the guess: the last line of the cell that runs it."""
        if answer not in self.buttons.options:
            raise ValueError(f"{answer!r} is not among {self.buttons.options}")
        return Revealed(self.guess, answer, because)

    def _guessed(self, _: Any) -> None:
        self.told.value = escape(f"You said: {self.guess}. Now run the next cell.")


class Revealed:
    """The answer to a question, and how the guess compares; the plain text is the answer alone."""

    def __init__(self, guess: str | None, answer: str, because: str) -> None:
        self.guess, self.answer, self.because = guess, answer, because

    def __repr__(self) -> str:
        return f"answer: {self.answer}" + (f"; {self.because}" if self.because else "")

    def _repr_markdown_(self) -> str:
        if self.guess is None:
            start = "Nobody guessed."
        elif self.guess == self.answer:
            start = f"You said **{self.guess}**: right!"
        else:
            start = f"You said **{self.guess}**: not so."
        return f"{start} The run says **{self.answer}**. {self.because}".strip()
