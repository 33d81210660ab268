"""Named corpora: where their files are, and how they come into the cache, checked."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from tinyllm.data.tagged import read_conll, read_conllu
from tinyllm.lines import read_lines

GITHUB = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class RemoteFile:
    """A file of a corpus: its place below the folder of data, its address, its SHA-256."""

    path: str
    url: str
    sha256: str


@dataclass(frozen=True)
class NamedCorpus:
    """A corpus that can be fetched by its name."""

    name: str
    about: str
    licence: str
    source: str
    files: tuple[RemoteFile, ...]
    check: Callable[[Path], object]
    """Reads a file that somebody put there, and raises ValueError if it cannot be meant."""


def _check_lines(path: Path) -> None:
    if not sum(bool(line.strip()) for _, line in read_lines(path)):  # all of it is read
        raise ValueError(f"{path}: expected text, the file is empty")


_MULTI30K = f"{GITHUB}/multi30k/dataset/c9be912dc05a3ebf9ae5bb5f7f58c1791cda43ab/data/task1/raw"
_MULTI30K_FILES = {
    "train.en.gz": "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
    "train.de.gz": "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
    "train.fr.gz": "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c",
    "val.en.gz": "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
    "val.de.gz": "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
    "val.fr.gz": "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9",
}
CORPORA = {
    corpus.name: corpus
    for corpus in (
        NamedCorpus(
            "tinyshakespeare",
            "1.1 MB of Shakespeare's plays",
            "public domain",
            "github.com/karpathy/char-rnn",
            (
                RemoteFile(
                    "tinyshakespeare.txt",
                    f"{GITHUB}/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
                    "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                ),
            ),
            _check_lines,
        ),
        NamedCorpus(
            "multi30k",
            "29,000 captions of pictures in English, German and French",
            "for research and education",
            "Elliott et al. 2016, aclanthology.org/W16-3210",
            tuple(
                RemoteFile(f"multi30k/{name}", f"{_MULTI30K}/{name}", sha256)
                for name, sha256 in _MULTI30K_FILES.items()
            ),
            _check_lines,
        ),
        NamedCorpus(
            "ud_en_ewt",
            "2,001 English sentences with parts of speech, release 2.16",
            "CC BY-SA 4.0",
            "universaldependencies.org/treebanks/en_ewt",
            (
                RemoteFile(
                    "ud_en_ewt/dev.conllu",
                    f"{GITHUB}/UniversalDependencies/UD_English-EWT/r2.16/en_ewt-ud-dev.conllu",
                    "531a54ff90d6ab12201c5a50c3e78e6ddac4de69abc4bce5d275d3cd29efe2b6",
                ),
            ),
            read_conllu,
        ),
        NamedCorpus(
            "wnut17",
            "4,400 tweets and comments with names of six kinds",
            "CC BY 4.0",
            "Derczynski et al. 2017, aclanthology.org/W17-4418",
            (
                RemoteFile(
                    "wnut17/train.conll",
                    f"{GITHUB}/leondz/emerging_entities_17/master/wnut17train.conll",
                    "731820e13f71af324c6b55a1575ec2ce59fbaa2a0806f8f0400b98d56cd6a7a5",
                ),
                RemoteFile(
                    "wnut17/dev.conll",
                    f"{GITHUB}/leondz/emerging_entities_17/master/emerging.dev.conll",
                    "e053b752b8155113ca66e7db08af5f2f5f43ab993694e4774f1ec5bad42312d8",
                ),
            ),
            read_conll,
        ),
    )
}


def data_folders() -> list[Path]:
    """List the folders in which files are looked for: TINYLLM_DATA if set, then the cache."""
    own = os.environ.get("TINYLLM_DATA")
    return [*([Path(own).expanduser()] if own else []), cache_folder()]


def cache_folder() -> Path:
    """Give the folder of downloads in the user's cache."""
    return user_cache_path("tinyllm") / "data"


def find(file: RemoteFile) -> Path | None:
    """Give the file's path if it is in TINYLLM_DATA or in the cache, else None."""
    return next((p for p in (f / file.path for f in data_folders()) if p.is_file()), None)


def fetch(name: str, progress: bool = False) -> list[Path]:
    """Give the paths of a corpus's files; those that are not there yet are downloaded.

    A file in the folder that TINYLLM_DATA names is taken as it is, if it can be read as what it
    should be. A downloaded one must have the SHA-256 that is known; a download that was cut off
    goes on where it stopped.

    Raises:
        KeyError: no corpus of that name.
        OSError: it cannot be reached; says which file to put where.
        ValueError: its bytes are not the known ones, or it cannot be read.
    """
    if name not in CORPORA:
        raise KeyError(f"fetch: {name!r} is none of {', '.join(CORPORA)}")
    corpus = CORPORA[name]
    return [_path(corpus, file, progress) for file in corpus.files]


def _path(corpus: NamedCorpus, file: RemoteFile, progress: bool = False) -> Path:
    path = find(file)
    if path is None:
        return _download(corpus, file, progress)
    if cache_folder() not in path.parents:
        corpus.check(path)
    return path


def path_of(name: str, part: str) -> Path:
    """Give the path of one file of a corpus, such as ("multi30k", "train.en.gz")."""
    for file in CORPORA[name].files:
        if file.path.rsplit("/", 1)[-1] == part:
            return _path(CORPORA[name], file, progress=True)
    have = ", ".join(file.path.rsplit("/", 1)[-1] for file in CORPORA[name].files)
    raise ValueError(f"{name} has no part {part!r}: it has {have}")


def _download(corpus: NamedCorpus, file: RemoteFile, progress: bool) -> Path:
    import pooch

    from tinyllm.data.resuming import Resuming

    folder, _, name = file.path.rpartition("/")
    place = cache_folder() / folder
    place.mkdir(parents=True, exist_ok=True)
    pooch.get_logger().setLevel("WARNING")  # the bar tells what is going on
    try:
        return Path(
            pooch.retrieve(
                file.url,
                known_hash=f"sha256:{file.sha256}",
                fname=name,
                path=place,
                downloader=Resuming(place / f"{name}.part", progress),
            )
        )
    except ValueError:
        raise ValueError(
            f"{corpus.name}: what {file.url} gave has not the SHA-256 {file.sha256[:12]}…: the "
            f"download was garbled, or the file was changed there, and numbers measured on it "
            f"would not compare: fetch it again, or {_by_hand(file)}"
        ) from None
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise OSError(
            f"{corpus.name}: {file.url} could not be reached ({reason}): {_by_hand(file)}"
        ) from None


def _by_hand(file: RemoteFile) -> str:
    own = os.environ.get("TINYLLM_DATA")
    where = Path(own or "FOLDER").expanduser() / file.path
    ending = "" if own else " and set the environment variable TINYLLM_DATA to FOLDER"
    return f"get the file in another way, save it as {where}{ending}"
