"""Download one file so that it is either there and right, or not there and the reason is told.

Resumes what a broken connection left, and never lets a file under its name before its checksum
agrees. Only the standard library is used. `fetch` in fetch.py is what one calls.
"""

import errno
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlparse
from urllib.request import Request, urlopen

from mdlearn.data.catalog import DataFile, matches

BLOCK = 1 << 16  # bytes read at a time
FINAL = (400, 401, 403, 404, 405, 410, 451)  # HTTP answers that asking again does not change


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server.

    Attributes:
        timeout: Silence, or a trickle, after which a connection counts as stalled (s).
        attempts: How often to ask each address.
        pause: Wait before the second attempt (s); it doubles each time.
        slowest: Bytes a second below which a connection counts as a trickle.
    """

    timeout: float = 30.0
    attempts: int = 4
    pause: float = 1.0
    slowest: float = 100.0


class _RefusedError(Exception):
    """An answer that asking again does not change."""


def download(
    file: DataFile,
    target: Path,
    *,
    patience: Patience | None = None,
    report: Callable[[str], None] | None = print,
) -> Path:
    """Download a file to `target`; it appears there only when its checksum agrees.

    Args:
        file: What to get, from where, and its checksum.
        target: Where to put it; folders are made.
        patience: When to give up.
        report: Told about progress and about every trouble.

    Raises:
        ConnectionError: No address gave the file; the message says what to do by hand.
        ValueError: What came has another checksum; it is kept aside as `….rejected`.
        OSError: The disk is full or the folder cannot be written.
    """
    patience, report = patience or Patience(), report or (lambda line: None)
    part = target.with_name(target.name + ".part")
    _prepare(target, file.size)
    troubles, rejected = [], ""
    for url in file.url:
        for attempt in range(patience.attempts):
            if attempt:
                time.sleep(patience.pause * 2 ** (attempt - 1))
            resumed = _length(part)
            try:
                _receive(url, part, file, patience, report)
            except _RefusedError as trouble:
                troubles.append(f"{url}: {trouble}")
                break
            except (URLError, HTTPException, ConnectionError, TimeoutError) as trouble:
                plain = isinstance(trouble, HTTPError) or not hasattr(trouble, "reason")
                reason = trouble if plain else trouble.reason
                troubles.append(f"{url}: {reason}")
                report(f"{file.file}: {reason} (attempt {attempt + 1} of {patience.attempts})")
                continue
            if matches(part, file.checksum):
                os.replace(part, target)
                return target
            if not resumed:
                rejected = _reject(part, target, url, file)
                report(rejected)
                break
            troubles.append(f"{url}: the resumed file has a wrong checksum")
            report(f"{file.file}: the old beginning does not fit, starting afresh")
            part.unlink()
    if rejected:
        raise ValueError(rejected)
    raise ConnectionError(_by_hand(file, target, troubles))


def _receive(
    url: str, part: Path, file: DataFile, patience: Patience, report: Callable[[str], None]
) -> None:
    """One connection: append to `part` what the server still has to give."""
    have = _length(part)
    if file.size is not None and have > file.size:
        part.unlink()
        have = 0
    if have and have == file.size:
        return  # complete, only not yet checked
    headers = {"User-Agent": "mdlearn", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        answer = urlopen(Request(url, headers=headers), timeout=patience.timeout)
    except HTTPError as error:
        with error:
            if error.code == 416:  # we hold more than the server has
                part.unlink(missing_ok=True)
                raise ConnectionError("the server cannot resume there, starting afresh") from error
            if error.code in FINAL:
                raise _RefusedError(f"HTTP {error.code} {error.reason}") from error
            raise
    with answer:
        start = have if answer.status == 206 else 0
        offered = answer.headers.get("Content-Range", f"bytes {start}-")
        if not offered.startswith(f"bytes {start}-"):
            part.unlink()
            raise ConnectionError(f"asked from byte {start}, the server answered {offered!r}")
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length else file.size
        if start:
            report(f"{file.file}: resumed at {start / 1e6:.1f} MB")
        _copy(answer, part, start, total, patience, report)
    have = _length(part)
    wanted = file.size if file.size is not None else total
    if wanted is not None and have < wanted:
        raise ConnectionError(f"truncated: {have:,} of {wanted:,} bytes came")


def _copy(
    answer: HTTPResponse,
    part: Path,
    start: int,
    total: int | None,
    patience: Patience,
    report: Callable[[str], None],
) -> None:
    """Write the body of an answer to disk as it comes, and give up when it stalls."""
    done, told = start, start
    mark, since = start, time.monotonic()
    with part.open("ab" if start else "wb", buffering=0) as stream:
        while block := answer.read1(BLOCK):
            rest = memoryview(block)
            try:
                while rest:  # the system may take less than it is given
                    rest = rest[stream.write(rest) :]
            except OSError as error:
                raise _disk(error, part, total) from error
            done += len(block)
            if done - told >= 10_000_000:
                told = done
                of = f" of {total / 1e6:.0f}" if total else ""
                report(f"{part.stem}: {done / 1e6:.0f}{of} MB")
            elapsed = time.monotonic() - since
            if elapsed > patience.timeout:
                if done - mark < patience.slowest * elapsed:
                    raise TimeoutError(f"only {done - mark} bytes in {elapsed:.0f} s")
                mark, since = done, time.monotonic()


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _prepare(target: Path, size: int | None) -> None:
    """Make the folder and see that the file fits."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _disk(error, target, size) from error
    free = shutil.disk_usage(target.parent).free
    if size is not None and size > free:
        raise _disk(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), target, size)


def _disk(error: OSError, path: Path, size: int | None) -> OSError:
    """The same error with what is missing and the cure."""
    needed = f"{size / 1e6:,.0f} MB are needed" if size else "the file does not fit"
    if error.errno == errno.ENOSPC:
        free = shutil.disk_usage(path.parent).free
        text = f"disk full: {needed}, {free / 1e6:,.0f} MB are free in {path.parent}"
    else:
        text = f"cannot write {path}: {error.strerror}"
    return OSError(error.errno, f"{text}; set MDLEARN_CACHE to a folder with room")


def _reject(part: Path, target: Path, url: str, file: DataFile) -> str:
    """Put a wrong file aside and say what came."""
    aside = target.with_name(target.name + ".rejected")
    os.replace(part, aside)
    with aside.open("rb") as stream:
        head = stream.read(200).lstrip().lower()
    web_page = head.startswith((b"<!doctype", b"<html"))
    kind = "; it is a web page, perhaps a login or a proxy" if web_page else ""
    return (
        f"what {url} sent is not {file.file}: its {file.checksum.partition(':')[0]} differs{kind}. "
        f"It is kept as {aside} and not used; try again, or get the file elsewhere and put it at "
        f"{target}"
    )


def _by_hand(file: DataFile, target: Path, troubles: Sequence[str]) -> str:
    """What to do when no address worked."""
    hosts = ", ".join(dict.fromkeys(urlparse(url).netloc for url in file.url))
    return (
        f"could not download {file.file} from {hosts}: {'; '.join(dict.fromkeys(troubles))}. "
        "Is this machine online? "
        f"By hand: get {file.url[0]} on another machine and save it as {target}, "
        f"or as {file.file} in a folder named by the environment variable MDLEARN_DATA"
    )
