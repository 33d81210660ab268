"""Named corpora: TINYLLM_DATA first, then the cache, then the net: checked, resumed, explained."""

import gzip
import hashlib
import http.server
import threading

import pytest

from tinyllm.data import downloads, fetch, load_pairs, load_tagged, load_text, resuming
from tinyllm.data.downloads import CORPORA, NamedCorpus, RemoteFile

CONTENT = b"one line of text\n" * 20_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; breaks off after `breaks[0]` bytes of an answer while there are breaks."""

    breaks: list = []
    asked: list = []
    ranges = True

    def do_GET(self):
        wanted = self.headers.get("Range")
        type(self).asked.append(wanted)
        if self.path != "/a.txt":
            self.send_error(503 if self.path == "/busy" else 404)
            return
        start = int(wanted[6:-1]) if wanted and self.ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        end = start + self.breaks.pop(0) if self.breaks else len(CONTENT)
        self.wfile.write(CONTENT[start:end])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(Server, "breaks", [])
    monkeypatch.setattr(Server, "asked", [])
    monkeypatch.setattr(Server, "ranges", True)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(resuming, "PAUSE", 0.0)
    monkeypatch.delenv("TINYLLM_DATA", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def corpus(monkeypatch, server, cache):
    def make(page="/a.txt", sha256=SHA256):
        file = RemoteFile("few/a.txt", server + page, sha256)
        made = NamedCorpus("few", "a few lines", "none", "here", (file,), downloads._check_lines)
        monkeypatch.setitem(CORPORA, "few", made)

    make()
    return make


def test_a_file_comes_into_the_cache_once(corpus, cache):
    (path,) = fetch("few")
    assert path == cache / "few" / "a.txt"
    assert path.read_bytes() == CONTENT
    assert fetch("few") == [path]
    assert Server.asked == [None]
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_a_download_that_breaks_goes_on_where_it_stopped(corpus):
    Server.breaks[:] = [100_000, 50_000]
    (path,) = fetch("few")
    assert path.read_bytes() == CONTENT
    assert Server.asked == [None, "bytes=100000-", "bytes=150000-"]


def test_it_goes_on_in_a_later_run_too(corpus):
    Server.breaks[:] = [1000] * resuming.ATTEMPTS
    with pytest.raises(OSError, match="the connection ended after 4,000 of 340,000 bytes"):
        fetch("few")
    assert fetch("few")[0].read_bytes() == CONTENT
    assert Server.asked[-1] == "bytes=4000-"


def test_a_server_without_ranges_begins_again(corpus):
    Server.ranges = False
    Server.breaks[:] = [100_000]
    assert fetch("few")[0].read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_file_is_thrown_away(corpus, cache):
    (cache / "few").mkdir(parents=True)
    (cache / "few" / "a.txt.part").write_bytes(CONTENT + b"x")
    assert fetch("few")[0].read_bytes() == CONTENT


def test_other_bytes_are_refused_and_not_kept(corpus, cache):
    corpus(sha256="0" * 64)
    with pytest.raises(
        ValueError,
        match=r"few: what http\S+a.txt gave has not the SHA-256 000000000000…: .* or the file was "
        r"changed there.*: fetch it again, or get .* save it as FOLDER/few/a.txt and set",
    ):
        fetch("few")
    assert list((cache / "few").iterdir()) == []


def test_offline_a_sentence_says_what_to_do(corpus, monkeypatch, tmp_path):
    corpus("/missing")
    with pytest.raises(OSError, match=r"few: http.*Not Found.*save it as FOLDER/few/a.txt and set"):
        fetch("few")
    assert len(Server.asked) == 1  # trying again would not help
    monkeypatch.setenv("TINYLLM_DATA", str(tmp_path))
    corpus("/busy")
    with pytest.raises(OSError, match=r"save it as \S*few/a.txt$"):
        fetch("few")
    assert len(Server.asked) == 1 + resuming.ATTEMPTS


def test_tinyllm_data_is_looked_in_first_and_its_files_must_parse(cache, monkeypatch, tmp_path):
    own = tmp_path / "own"
    monkeypatch.setenv("TINYLLM_DATA", str(own))
    (own / "wnut17").mkdir(parents=True)
    (own / "wnut17" / "train.conll").write_text("a\tO\n")
    (own / "wnut17" / "dev.conll").write_text("New\tB-location\nYork\tI-location\n")
    assert fetch("wnut17") == [own / "wnut17" / "train.conll", own / "wnut17" / "dev.conll"]
    assert load_tagged("wnut17")[0].tags == ["B-location", "I-location"]
    (own / "wnut17" / "train.conll").write_text("a\n")
    with pytest.raises(ValueError, match=r"train\.conll, line 1: expected at least 2 columns"):
        fetch("wnut17")
    (own / "wnut17" / "train.conll").unlink()
    assert load_tagged("wnut17")[0].tokens == ["New", "York"]  # the other file is not needed
    (own / "tinyshakespeare.txt").write_text("To be, or not to be")
    assert load_text("tinyshakespeare").train.startswith("To be")


def test_pairs_by_name(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("TINYLLM_DATA", str(tmp_path))
    (tmp_path / "multi30k").mkdir()
    for language in ("en", "fr"):  # the other files are not needed for that
        path = tmp_path / "multi30k" / f"val.{language}.gz"
        path.write_bytes(gzip.compress(f"val {language}\n".encode()))
    assert load_pairs(target="fr", part="val") == [("val en", "val fr")]
    with pytest.raises(ValueError, match=r"has no part 'test.en.gz': it has train.en.gz"):
        load_pairs(part="test")
    with pytest.raises(ValueError, match="'wnut17' is not multi30k"):
        load_pairs("wnut17")
    with pytest.raises(ValueError, match="'few' is not ud_en_ewt or wnut17"):
        load_tagged("few")


def test_names_and_digests_are_whole():
    for name, corpus in CORPORA.items():
        assert name == corpus.name
        for file in corpus.files:
            assert len(bytes.fromhex(file.sha256)) == 32
            assert file.url.startswith("https://")
    (treebank,) = CORPORA["ud_en_ewt"].files
    assert "/r2.16/" in treebank.url  # the files of a release stay; those of master do not
    with pytest.raises(KeyError, match="none of tinyshakespeare"):
        fetch("nothing")
