"""Get the relatives of a protein from the servers that know them: ColabFold's search, Pfam by name.

What came is kept in the cache, so nothing is asked twice; the servers are shared, so they are asked
slowly. alignments.py reads the files.
"""

import hashlib
import io
import json
import re
import tarfile
import time
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from mdlearn.data.fetch import cache_folder
from mdlearn.files import replacing
from mdlearn.structure.alignments import Alignment, read_alignment
from mdlearn.structure.sequences import decode, encode

COLABFOLD = "https://api.colabfold.com"
PFAM = "https://www.ebi.ac.uk/interpro/wwwapi/entry/pfam"
AGENT = "mdlearn/0.1 (teaching; protein structure)"
WAITING = ("UNKNOWN", "RUNNING", "PENDING")
Report = Callable[[str], None] | None


def search(
    sequence: str,
    *,
    server: str = COLABFOLD,
    pause: float = 6.0,
    patience: float = 900.0,
    report: Report = print,
) -> Alignment:
    """Relatives of a sequence, found by MMseqs2 on ColabFold's server; the sequence stands first.

    The sequence leaves this computer. The server is free and shared: one question at a time.

    Args:
        server: Address of this or another server with the same protocol.
        pause: Between two questions (s); doubled when the server says that it is too much.
        patience: After which to give up (s).
        report: Told what is going on.

    Raises:
        ConnectionError: The server cannot be reached, refuses, or takes too long.

    References:
        Mirdita et al., Nat. Methods 19, 679 (2022), doi:10.1038/s41592-022-01488-1.
    """
    letters = decode(encode(sequence))
    key = hashlib.sha256(f"{server} {letters}".encode()).hexdigest()[:24]
    path = cache_folder() / "relatives" / f"{key}.a3m"
    if not path.exists():
        end = time.monotonic() + patience
        question = {"q": f">101\n{letters}\n", "mode": "all"}
        answer = _answer(f"{server}/ticket/msa", question)
        while answer.get("status") == "RATELIMIT":
            pause = _wait(2 * pause, end, server, "the server asks for patience", report)
            answer = _answer(f"{server}/ticket/msa", question)
        while answer.get("status") in WAITING:
            _wait(pause, end, server, f"the search is {answer['status'].lower()}", report)
            answer = _answer(f"{server}/ticket/{answer['id']}")
        if answer.get("status") != "COMPLETE":
            said = answer.get("status", "nothing that is understood")
            raise ConnectionError(f"{server} says {said} to this sequence; {_BY_HAND}")
        _keep(_unpack(_ask(f"{server}/result/download/{answer['id']}"), server), path)
    return read_alignment(path)


def pfam(
    accession: str, *, kind: str = "full", server: str = PFAM, report: Report = print
) -> Alignment:
    """The alignment of a Pfam family, from InterPro; put your own sequence first before you fold.

    Args:
        accession: "PF00186".
        kind: "seed", "full" or "uniprot", from small to large.
        server: Address that stands before the accession.
        report: Told what is going on.

    Raises:
        ValueError: No accession of Pfam, or no such kind.
        ConnectionError: The server cannot be reached or has no such family.
    """
    if not re.fullmatch(r"PF\d{5}", accession):
        raise ValueError(f'a Pfam family is named like "PF00186", got {accession!r}')
    if kind not in ("seed", "full", "uniprot"):
        raise ValueError(f'kind is "seed", "full" or "uniprot", got {kind!r}')
    path = cache_folder() / "relatives" / f"{accession}.{kind}.sto.gz"
    if not path.exists():
        if report:
            report(f"asking for the {kind} alignment of {accession}")
        content = _ask(f"{server}/{accession}/?annotation=alignment:{kind}&download")
        if content[:2] != b"\x1f\x8b":
            raise ConnectionError(f"{server} sent no alignment of {accession}; {_BY_HAND}")
        _keep(content, path)
    return read_alignment(path)


_BY_HAND = "make an alignment elsewhere (A3M, FASTA, Stockholm) and read it with read_alignment"


def _ask(url: str, form: dict[str, str] | None = None, *, timeout: float = 60.0) -> bytes:
    """What the server says, or a sentence why not."""
    data = None if form is None else urlencode(form).encode()
    try:
        with urlopen(Request(url, data, {"User-Agent": AGENT}), timeout=timeout) as answer:
            return answer.read()
    except HTTPError as error:
        with error:
            reason = f"HTTP {error.code}"
    except (URLError, HTTPException, ConnectionError, TimeoutError) as error:
        reason = str(getattr(error, "reason", error))
    raise ConnectionError(f"{url.split('?', maxsplit=1)[0]} cannot be had ({reason}); {_BY_HAND}")


def _answer(url: str, form: dict[str, str] | None = None) -> dict[str, str]:
    content = _ask(url, form)
    try:
        return dict(json.loads(content))
    except ValueError as error:
        raise ConnectionError(f"{url} answered with no JSON; {_BY_HAND}") from error


def _wait(pause: float, end: float, server: str, why: str, report: Report) -> float:
    if time.monotonic() + pause > end:
        raise ConnectionError(f"{server} took too long: {why}; {_BY_HAND}, or try again later")
    if report:
        report(f"{why}; asking again in {pause:g} s")
    time.sleep(pause)
    return pause


def _unpack(content: bytes, server: str) -> bytes:
    """The alignment in the archive; the server ends its parts with a zero byte."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            member = archive.extractfile("uniref.a3m")
            text = member.read() if member else b""
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise ConnectionError(f"{server} sent no archive with uniref.a3m; {_BY_HAND}") from error
    return text.replace(b"\0", b"")


def _keep(content: bytes, path: Path) -> None:
    with replacing(path) as part:
        part.write_bytes(content)
