"""What a page looks like: screenshots as arrays, and patience until they show something."""

import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page

ARTIFACTS = Path(os.environ.get("MDLEARN_ARTIFACTS", Path(__file__).parents[2] / "build/browser"))
PATIENCE = 300.0  # seconds; on a loaded machine JupyterLab may take two minutes to open


def until(page: Page, condition: Callable[[], Any], explain: Callable[[], str]) -> Any:
    """Ask again and again until the answer is true; if it never is, explain."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if answer := condition():
            return answer
        page.wait_for_timeout(150)
    raise TimeoutError(explain())


def pixels(place: Locator | Page) -> np.ndarray:
    """A screenshot as an array. (height, width, 3)"""
    return np.asarray(Image.open(io.BytesIO(place.screenshot())).convert("RGB")).astype(int)


def drawn(image: np.ndarray) -> bool:
    """There is a picture: enough pixels differ from the background, in enough colors."""
    coarse = (image // 8) @ np.array([4096, 64, 1])
    colors, counts = np.unique(coarse, return_counts=True)
    return bool(1 - counts.max() / coarse.size > 0.02 and len(colors) > 12)  # gray carbon has 23


def changed(before: np.ndarray, after: np.ndarray) -> bool:
    """Two screenshots differ in more than a blinking cursor."""
    return before.shape != after.shape or bool((before != after).any(-1).mean() > 0.002)


def photograph(place: Locator | Page, name: str) -> np.ndarray:
    """A screenshot, kept for people to look at."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    image = pixels(place)
    Image.fromarray(image.astype(np.uint8)).save(ARTIFACTS / f"{name}.png")
    return image


def rests(page: Page, look: Callable[[], list[np.ndarray]]) -> bool:
    """The same pictures twice, and something in each."""
    before = look()
    page.wait_for_timeout(700)
    after = look()
    same = len(before) == len(after) and not any(map(changed, before, after))
    return same and all(picture.std() > 0 for picture in before)
