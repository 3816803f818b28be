"""A file arrives whole and right, or not at all, whatever the server does."""

import hashlib
import os
import socket

import pytest

from mdlearn.data.catalog import DataFile
from mdlearn.data.download import Patience, download

QUICK = Patience(timeout=1.0, attempts=3, pause=0.01)  # for a server that falls silent
CALM = Patience(timeout=30.0, attempts=3, pause=0.01)  # for all others: the machine may be busy
SILENT = ("stalls", "trickles")


def wanted(server, **changes):
    content = server.content
    told = {
        "part": "all",
        "file": "data.bin",
        "checksum": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "size": len(content),
        "url": (server.url,),
    }
    return DataFile(**{**told, **changes})


def get(server, target, said=None, **changes):
    report = None if said is None else said.append
    patience = QUICK if set(server.script) & set(SILENT) else CALM
    return download(wanted(server, **changes), target, patience=patience, report=report)


@pytest.mark.parametrize("algorithm", ["sha256", "md5", "git"])
def test_a_good_file_arrives(server, tmp_path, algorithm):
    content = server.content
    blob = f"blob {len(content)}\0".encode() + content
    checksums = {
        "sha256": hashlib.sha256(content),
        "md5": hashlib.md5(content),
        "git": hashlib.sha1(blob),
    }
    checksum = f"{algorithm}:{checksums[algorithm].hexdigest()}"
    path = get(server, tmp_path / "new" / "data.bin", checksum=checksum)
    assert path.read_bytes() == content
    assert os.listdir(path.parent) == ["data.bin"]


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("drops", "truncated: 25,000 of 50,000 bytes"),
        ("short", "truncated: 25,000 of 50,000 bytes"),
        ("stalls", "timed out"),
        ("trickles", "bytes in 1 s"),
        (503, "HTTP Error 503"),
        (429, "HTTP Error 429"),
    ],
)
def test_trouble_on_the_way_is_told_and_overcome(server, tmp_path, deed, told):
    server.script, said = [deed], []
    path = get(server, tmp_path / "data.bin", said)
    assert path.read_bytes() == server.content
    assert len(server.ranges) == 2 and told in said[0]


@pytest.mark.parametrize("deed", ["drops", "stalls"])
def test_a_broken_download_resumes_where_it_stopped(server, tmp_path, deed):
    server.script = [deed]
    get(server, tmp_path / "data.bin")
    assert server.ranges == [None, f"bytes={len(server.content) // 2}-"]


def test_a_killed_download_resumes_in_the_next_run(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(server.content[:1000])
    assert get(server, tmp_path / "data.bin").read_bytes() == server.content
    assert server.ranges == ["bytes=1000-"]


def test_a_complete_part_needs_no_server(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(server.content)
    assert get(server, tmp_path / "data.bin").read_bytes() == server.content
    assert server.ranges == []


def test_a_server_that_ignores_the_range_starts_the_file_anew(server, tmp_path):
    server.script = ["drops", "ignores range"]
    assert get(server, tmp_path / "data.bin").read_bytes() == server.content
    assert len(server.ranges) == 2


@pytest.mark.parametrize(
    ("deed", "told"),
    [("wrong range", "the server answered 'bytes 1-"), ("good", "resumed at")],
)
def test_a_beginning_that_does_not_fit_is_thrown_away(server, tmp_path, deed, told):
    server.script, said = [deed], []
    (tmp_path / "data.bin.part").write_bytes(b"something else" * 10)
    assert get(server, tmp_path / "data.bin", said).read_bytes() == server.content
    assert told in said[0]


@pytest.mark.parametrize("size", [50_000, None])
def test_a_part_longer_than_the_file_is_thrown_away(server, tmp_path, size):
    (tmp_path / "data.bin.part").write_bytes(bytes(60_000))
    assert get(server, tmp_path / "data.bin", size=size).read_bytes() == server.content


def test_a_file_that_stays_truncated_is_an_error(server, tmp_path):
    server.script = ["short"] * 3
    server.content, whole = server.content[:100], server.content
    digest = hashlib.sha256(whole).hexdigest()
    with pytest.raises(ConnectionError, match="truncated: 50 of 50,000 bytes"):
        get(server, tmp_path / "data.bin", size=len(whole), checksum=f"sha256:{digest}")
    assert not (tmp_path / "data.bin").exists()


def test_wrong_content_is_kept_aside_and_never_used(server, tmp_path):
    server.script = ["other content"]
    with pytest.raises(ValueError, match=r"its sha256 differs.*\.rejected and not used"):
        get(server, tmp_path / "data.bin")
    assert os.listdir(tmp_path) == ["data.bin.rejected"]


def test_a_login_page_is_recognized(server, tmp_path):
    server.script = ["web page"]
    with pytest.raises(ValueError, match="a web page, perhaps a login"):
        get(server, tmp_path / "data.bin", size=None)
    assert not (tmp_path / "data.bin").exists()


def test_a_missing_page_is_asked_for_once(server, tmp_path):
    server.script = [404] * 3
    with pytest.raises(ConnectionError, match="404 Not Found"):
        get(server, tmp_path / "data.bin")
    assert len(server.ranges) == 1


@pytest.mark.parametrize("deed", [404, "other content", 503])
def test_the_second_address_helps_out(server, tmp_path, deed):
    server.script = [deed] * (3 if deed == 503 else 1)
    path = get(server, tmp_path / "data.bin", url=(server.url, server.url + "?mirror"))
    assert path.read_bytes() == server.content


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_without_a_network_the_message_tells_what_to_do_by_hand(server, tmp_path):
    url, target, said = f"http://127.0.0.1:{closed_port()}/data.bin", tmp_path / "data.bin", []
    with pytest.raises(ConnectionError) as caught:
        get(server, target, said, url=(url,))
    text = str(caught.value)
    assert url in text and str(target) in text and "MDLEARN_DATA" in text and "online" in text
    assert len(said) == 3 and "attempt 1 of 3" in said[0]


def test_a_full_disk_is_told_before_the_download(server, tmp_path):
    with pytest.raises(OSError, match=r"disk full: 1,000,000,000,000 MB.*MDLEARN_CACHE"):
        get(server, tmp_path / "data.bin", size=10**18)
    assert server.ranges == []


def test_a_disk_that_fills_up_is_told(server, tmp_path):
    (tmp_path / "data.bin.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="disk full"):
        get(server, tmp_path / "data.bin", size=None)
    assert len(server.ranges) == 1


def test_a_folder_that_cannot_be_made_is_told(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match=r"cannot write .*MDLEARN_CACHE"):
        get(server, tmp_path / "file" / "data.bin")
