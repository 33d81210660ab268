"""The Transformer tagger, what is measured of taggers, the files they learn from, the command."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyllm
from tinyllm import optim, viz
from tinyllm.cli import main
from tinyllm.data.tagged import read_tagged
from tinyllm.metrics import span_f1
from tinyllm.tasks import tagging
from tinyllm.tasks.transformer_tagger import TransformerTagger
from tinyllm.tasks.word_features import Batch, code, make_vocabulary
from tinyllm.text.taggers import MostFrequentTagger
from tinyllm.training.checkpoint import load_tensors, save_tensors

NOUNS, VERBS = ["dog", "cat", "bird", "teacher"], ["sleeps", "barks", "sings", "walks"]
SENTENCES = [
    (words, tags)
    for noun in NOUNS
    for verb in VERBS
    for words, tags in [
        (["the", noun, verb], ["DET", "NOUN", "VERB"]),
        (["Anna", verb, "."], ["NAME", "VERB", "PUNCT"]),
        (["a", "old", noun, verb, "quietly", "."], ["DET", "ADJ", "NOUN", "VERB", "ADV", "PUNCT"]),
    ]
]
SMALL = {"layers": 1, "heads": 2, "width": 16, "epochs": 3, "seed": 7}


@pytest.fixture(scope="module")
def trained():
    return TransformerTagger(**SMALL).fit(SENTENCES)


# The Transformer


def test_it_learns_a_small_language():
    tagger = TransformerTagger(width=32, heads=2, layers=1, epochs=15, lr=1e-2).fit(SENTENCES)
    assert tagger.history[-1]["train_loss"] < tagger.history[0]["train_loss"] / 3
    assert tagger.tag(["the", "old", "walker", "sings", "quietly", "."])[3:] == [
        "VERB",
        "ADV",
        "PUNCT",
    ]


def test_it_overfits_one_batch(trained):
    tagger = TransformerTagger(**SMALL, dropout=0.0, word_dropout=0.0)
    tagger.tags, tagger.vocabulary = trained.tags, trained.vocabulary
    tagger.model = tagger._new_model()
    batch = Batch(tagger._coded(SENTENCES[:8]))
    optimizer = optim.AdamW(tagger.model.parameters(), lr=1e-2)
    losses = [tagger._step(batch, optimizer) for _ in range(60)]
    assert losses[-1] < 0.01 < 1 < losses[0]


def test_padding_changes_no_logits(trained):
    short, long = ["the", "dog", "barks"], ["a", "old", "cat", "sings", "quietly", "."] * 3
    coded = [(*code(words, trained.vocabulary), -100) for words in (short, long)]
    with tinyllm.generation.inference(trained.model):
        alone = trained._logits(Batch(coded[:1])).array
        padded = trained._logits(Batch(coded)).array
    np.testing.assert_allclose(padded[0, :3], alone[0], atol=1e-5)
    assert Batch(coded).mask.sum() == 15


def test_the_order_of_a_list_changes_no_tags(trained):
    lists = [words for words, _ in SENTENCES] + [[], ["unknown", "Words", "42"]]
    together = trained.tag_all(lists)
    assert together == [trained.tag(words) for words in lists]
    assert together[-2] == []
    assert trained.tag_all([]) == []


def test_words_matter_by_their_order(trained):
    """Positions and neighbours are told: the logits of a word change with its place."""
    words = ["the", "dog", "barks"]
    with tinyllm.generation.inference(trained.model):
        one, two = (
            trained._logits(Batch([(*code(w, trained.vocabulary), -100)])).array
            for w in (words, words[::-1])
        )
    assert np.abs(one[0] - two[0, ::-1]).max() > 1e-3


def test_same_seed_same_weights_and_the_callers_numbers_stay(trained):
    tinyllm.manual_seed(5)
    expected = tinyllm.rand(3).array
    tinyllm.manual_seed(5)
    again = TransformerTagger(**SMALL).fit(SENTENCES)
    np.testing.assert_array_equal(tinyllm.rand(3).array, expected)
    other = TransformerTagger(**{**SMALL, "seed": 8}).fit(SENTENCES)
    for name, value in trained.model.state_dict().items():
        np.testing.assert_array_equal(value.array, again.model.state_dict()[name].array)
    assert again.history == trained.history != other.history


def test_it_stops_early_and_keeps_the_best_epoch():
    seen = []

    class Told(TransformerTagger):
        def _accuracy(self, sentences):
            seen.append(self.model.head.weight.array.copy())
            return [0.1, 0.5, 0.3, 0.4][len(seen) - 1]

    tagger = Told(**{**SMALL, "epochs": 30}, patience=2).fit(SENTENCES)
    assert [row["dev_accuracy"] for row in tagger.history] == [0.1, 0.5, 0.3, 0.4]
    np.testing.assert_array_equal(tagger.model.head.weight.array, seen[1])
    assert np.abs(seen[1] - seen[3]).max() > 0


def test_a_longer_sentence_than_is_read_at_once(trained):
    assert len(trained.tag(["dog"] * 1100)) == 1100


def test_save_and_load(trained, tmp_path):
    tagging.save_tagger(trained, tmp_path / "t")
    again = tagging.open_tagger(tmp_path / "t")
    lists = [words for words, _ in SENTENCES] + [["xyz", "naïve", ""]]
    assert again.tag_all(lists) == trained.tag_all(lists)
    (tmp_path / "t" / "model.safetensors").write_text("somebody else's")
    names = sorted(path.name for path in (tmp_path / "t").iterdir())
    assert [name[:6] for name in names] == ["model-", "model.", "tagger"]
    tagging.save_tagger(MostFrequentTagger().fit(SENTENCES), tmp_path / "t")  # over it
    assert isinstance(tagging.open_tagger(tmp_path / "t"), MostFrequentTagger)
    assert sorted(path.name for path in (tmp_path / "t").iterdir()) == names[1:]


class Killed(BaseException):
    pass


@pytest.mark.parametrize("old", ["transformer", "most-frequent"])
@pytest.mark.parametrize("new", ["transformer", "most-frequent"])
def test_a_kill_leaves_the_old_tagger_or_the_new_one(trained, tmp_path, monkeypatch, old, new):
    """Every call that changes the folder is once the last one."""
    makers = {"most-frequent": lambda tags, seed: MostFrequentTagger().fit(tags)}
    makers["transformer"] = lambda tags, seed: TransformerTagger(
        **SMALL | {"epochs": 1, "seed": seed}
    ).fit(tags)
    others = [(words, [tag.lower() for tag in tags]) for words, tags in SENTENCES]
    taggers = makers[old](SENTENCES, 1), makers[new](others, 2)
    calls, limit = [], None

    def counted(function):
        def call(*args, **params):
            calls.append(function)
            if len(calls) == limit:
                raise Killed
            return function(*args, **params)

        return call

    monkeypatch.setattr(os, "replace", counted(os.replace))
    monkeypatch.setattr(os, "fsync", counted(os.fsync))
    monkeypatch.setattr(Path, "unlink", counted(Path.unlink))
    tagging.save_tagger(taggers[0], tmp_path / "all")
    calls.clear()
    tagging.save_tagger(taggers[1], tmp_path / "all")
    total, found = len(calls), []
    for last in range(1, total + 1):
        folder, limit = tmp_path / str(last), None
        tagging.save_tagger(taggers[0], folder)
        calls.clear()
        limit = last
        with pytest.raises(Killed):
            tagging.save_tagger(taggers[1], folder)
        read = tagging.open_tagger(folder)
        assert read.tags in (taggers[0].tags, taggers[1].tags)
        which = taggers[read.tags == taggers[1].tags]
        found.append(which is taggers[1])
        assert type(read) is type(which)
        assert read.tag(SENTENCES[0][0]) == which.tag(SENTENCES[0][0])
        if isinstance(read, TransformerTagger):
            weights = read.model.head.weight.array
            np.testing.assert_array_equal(weights, which.model.head.weight.array)
        limit = None
        tagging.save_tagger(taggers[1], folder)  # and the next save leaves nothing over
        assert len([p for p in folder.iterdir() if "model-" in p.name]) == (new == "transformer")
    assert found == sorted(found)
    assert not found[0]


def test_damaged_files(trained, tmp_path):
    trained.save(tmp_path)
    settings = json.loads((tmp_path / "tagger.json").read_text(encoding="utf-8"))

    def refused(says, **changed):
        text = json.dumps({**settings, **changed})
        (tmp_path / "tagger.json").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=says):
            TransformerTagger.load(tmp_path)

    refused("buckets is 5", buckets=5)
    refused("'tags' is not a list of strings", tags=[1])
    refused("not a whole TransformerTagger", tags=["A"])
    refused("not a whole TransformerTagger", words=["a"])
    refused("not a whole TransformerTagger", sizes={"width": 17})
    refused("not a whole TransformerTagger", sizes={"epochs": "many"})
    refused("not a whole TransformerTagger", sizes=None)
    refused("are no file that save writes", weights="../model-01234567.safetensors")
    refused("are no file that save writes", weights=None)
    refused("format is 1, not 2", format=1)
    (tmp_path / "tagger.json").write_text(json.dumps(settings), encoding="utf-8")
    path = tmp_path / settings["weights"]
    save_tensors(path, dict(list(load_tensors(path).items())[1:]))
    with pytest.raises(ValueError, match="not a whole"):
        TransformerTagger.load(tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="model-"):
        TransformerTagger.load(tmp_path)


def test_bad_input():
    tagger = TransformerTagger(**SMALL)
    with pytest.raises(RuntimeError, match="learned nothing"):
        tagger.tag(["a"])
    with pytest.raises(RuntimeError, match="nothing to save"):
        tagger.save("never-made")
    with pytest.raises(ValueError, match="no word"):
        tagger.fit([])
    with pytest.raises(ValueError, match="sentence 0 has 1 words and 2 tags"):
        tagger.fit([(["a"], ["X", "Y"])])
    with pytest.raises(ValueError, match="dev part: there is no word"):
        tagger.fit(SENTENCES, dev=[])
    with pytest.raises(ValueError, match="multiple of heads"):
        TransformerTagger(width=30, heads=4)
    with pytest.raises(ValueError, match="patience"):
        TransformerTagger(patience=0)
    with pytest.raises(ValueError, match="word_dropout"):
        TransformerTagger(word_dropout=1.0)


@given(st.lists(st.text(max_size=9), min_size=1, max_size=6))
def test_any_words_are_coded(words):
    ids, features = code(words, make_vocabulary([words], least=1))
    assert (ids > 1).all()
    assert features.shape[0] == len(words)
    assert (features > 0).all()


# Measures


def test_scores_by_hand():
    tagger = MostFrequentTagger().fit([(["a", "a", "b"], ["X", "X", "Y"])])
    test = [(["a", "b", "c"], ["X", "X", "Y"]), (["c"], ["X"])]
    scores = tagging.evaluate(tagger, test, {"a", "b"})
    assert (scores.accuracy.value, scores.words) == (0.5, 4)
    assert (scores.unseen.value, scores.unseen_words) == (0.5, 2)
    assert scores.accuracy.low <= 0.5 <= scores.accuracy.high
    np.testing.assert_array_equal(scores.confusion, [[2, 1], [1, 0]])
    assert scores.entity_f1 is None
    assert tagging.evaluate(tagger, test, {"a", "b", "c"}).unseen is None
    with pytest.raises(ValueError, match="no sentence"):
        tagging.evaluate(tagger, [], set())


def test_the_interval_narrows_with_the_root_of_the_sentences():
    tagger = MostFrequentTagger().fit([(["a"], ["X"])])
    widths = []
    for count in (100, 1600):
        test = [(["a"], ["X" if i % 2 else "Y"]) for i in range(count)]
        estimate = tagging.evaluate(tagger, test, {"a"}).accuracy
        widths.append(estimate.high - estimate.low)
        assert widths[-1] == pytest.approx(2 * 1.96 * 0.5 / count**0.5, rel=0.15)


def test_entity_f1():
    words = ["Anna", "Lee", "in", "Rome"]
    tagger = MostFrequentTagger().fit([(words, ["B-p", "I-p", "O", "O"])])
    scores = tagging.evaluate(tagger, [(words, ["B-p", "I-p", "O", "B-l"])], set(words))
    assert scores.entity_f1.value == pytest.approx(2 / 3)  # precision 1, recall 1/2
    assert scores.strict_f1 == scores.entity_f1


def test_entity_f1_is_that_of_span_f1():
    """Forgiving and strict, with the malformed tags that a tagger without neighbours gives."""
    tagger = MostFrequentTagger().fit([(["a", "b", "c", "d"], ["B-p", "E-p", "S-p", "O"])])
    words = ["c", "b", "d", "a", "b", "a", "d", "b"]
    truth = ["S-p", "O", "O", "B-p", "E-p", "S-p", "O", "O"]
    scores = tagging.evaluate(tagger, [(words, truth), (words[:5], truth[:5])], set(words))
    guesses = [tagger.tag(words), tagger.tag(words[:5])]
    for found, rules in ((scores.entity_f1, ()), (scores.strict_f1, ("strict", "BIOES"))):
        assert found.value == pytest.approx(span_f1([truth, truth[:5]], guesses, *rules).score)
        assert found.low <= found.value <= found.high
    assert scores.strict_f1.value > scores.entity_f1.value
    odd = [(["a"], ["NN"]), (["d"], ["O"])]
    assert tagging.evaluate(tagger, odd, set()).entity_f1 is None


def test_words_of_a_sentence():
    text = "I don't know Anna's well-known dog, it's 5 o'clock!"
    expected = "I do n't know Anna 's well-known dog , it 's 5 o 'clock !"
    assert tagging.split_words(text) == expected.split()


@pytest.mark.parametrize("numbers", [3, 30])
def test_confusion_matrix_is_drawn(numbers):
    names = [f"$T{i}" for i in range(numbers)]
    figure = viz.confusion_matrix(np.eye(numbers), names, "Tags", "below")
    assert viz.png(figure).startswith(b"\x89PNG")
    assert bool(figure.axes[0].texts[:-1]) == (numbers == 3)


def test_confusion_matrix_refuses():
    for counts, says in [(np.zeros((2, 3)), "K = 2 names"), (-np.eye(2), "not below 0")]:
        with pytest.raises(ValueError, match=says):
            viz.confusion_matrix(counts, ["A", "B"])


# Files


def test_files_are_read_by_their_names(tmp_path):
    cells = ["1", "Go", "_", "VERB", *["_"] * 6]
    (tmp_path / "t.conllu").write_text("\t".join(cells) + "\n", encoding="utf-8")
    assert read_tagged(tmp_path / "t.conllu") == ([(["Go"], ["VERB"])], None, "")
    (tmp_path / "t.conll").write_text("#tag\tO\nNew York\tB-l\n\nx\tNN\n", encoding="utf-8")
    sentences, scheme, mixed = read_tagged(tmp_path / "t.conll")
    assert sentences == [(["#tag", "New York"], ["O", "B-l"]), (["x"], ["NN"])]
    assert scheme == ""
    assert "t.conll, line 4: expected O, or one of B, I, E, S and a type, got 'NN'" in mixed


# The command


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["tinyllm", "tag", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr()
    return ended.value.code or 0, shown.out, shown.err


def test_the_command(tmp_path, monkeypatch, capsys):
    path, model, picture = tmp_path / "t.conll", tmp_path / "m", tmp_path / "c.png"
    lines = ["".join(f"{w}\t{t}\n" for w, t in zip(*s, strict=True)) for s in SENTENCES]
    path.write_text("\n".join(lines), encoding="utf-8")
    code, out, _ = run(monkeypatch, capsys, "--train", path, "--model", model, "--picture", picture)
    assert code == 0
    assert "| perceptron | 100.0" in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    code, out, _ = run(monkeypatch, capsys, "Anna sleeps.", "--model", model)
    assert [line.split() for line in out.splitlines()] == [
        ["Anna", "NAME"],
        ["sleeps", "VERB"],
        [".", "PUNCT"],
    ]
    for arguments, says in [
        ([], "give either --train FILE"),
        (["x", "--train", path], "give either --train FILE"),
        (["x", "--model", tmp_path / "none"], "train one with"),
        (["--train", path, "--method", "magic"], "'magic' is not one of"),
        ([" ", "--model", model], "no word in the sentence"),
    ]:
        code, _, err = run(monkeypatch, capsys, *arguments)
        assert (code, says in err) == (1, True), err


NAMES = "Anna {0}-p\nLee {1}-p\nis O\nin O\n{2} {3}-l\n\n"


def names(path, first, last, single, times=6):
    cities = [NAMES.format(first, last, city, single) for city in ("Rome", "Lima")]
    path.write_text("".join(cities) * times, encoding="utf-8")
    return path


SCHEMES = {"BIO": "BIB", "IOB1": "III", "BIOES": "BES"}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("wanted", [None, "bio", "bioes"])
def test_the_command_trains_in_a_scheme(tmp_path, monkeypatch, capsys, scheme, wanted):
    path = names(tmp_path / "t.conll", *SCHEMES[scheme])
    test = names(tmp_path / "other.conll", *SCHEMES["IOB1"])
    options = ["--train", path, "--test", test, "--model", tmp_path / "m"]
    options += ["--scheme", wanted] if wanted else []
    code, out, err = run(monkeypatch, capsys, *options)
    assert (code, err) == (0, "")
    trained = {None: "BIOES" if scheme == "BIOES" else "BIO"}.get(wanted, str(wanted).upper())
    changed = f"{path}: its scheme is {scheme}, its tags are written in {trained}"
    assert (changed in out) == (scheme != trained)
    assert f"{test}: its scheme is IOB1" in out
    assert out.count("100.0 [100.0, 100.0]") == 3  # accuracy, entity F1, strict F1; all words known
    _, out, _ = run(monkeypatch, capsys, "Anna Lee is in Rome", "--model", tmp_path / "m")
    assert [line.split()[1][0] for line in out.splitlines()] == [
        *{"BIO": "BIOOB", "BIOES": "BEOOS"}[trained]
    ]


def test_the_command_refuses_mixed_schemes(tmp_path, monkeypatch, capsys):
    path = names(tmp_path / "t.conll", *"BIB")
    with path.open("a") as file:
        file.write("Bonn I-l\n")
    where = f"{path}, line 73: expected B-l, as in the scheme BIO, which 12 of 13 sentences"
    plain = names(tmp_path / "plain.conll", *"BES")
    for options in (["--train", path], ["--train", plain, "--test", path]):
        code, _, err = run(monkeypatch, capsys, *options, "--model", tmp_path / "m")
        assert code == 1
        assert where in err
        assert "give --scheme bio or bioes" in err
    code, out, err = run(
        monkeypatch, capsys, "--train", path, "--scheme", "bioes", "--model", tmp_path / "m"
    )
    assert code == 0
    assert where in err
    assert "read as conlleval reads it" in err
    assert "written in BIOES" in out
    with path.open("a") as file:
        file.write("odd NN\n")
    code, _, err = run(monkeypatch, capsys, "--train", path, "--scheme", "bio")
    assert (code, "line 74: expected O, or one of B, I, E, S" in err) == (1, True)
    lines = ["".join(f"{w}\t{t}\n" for w, t in zip(*s, strict=True)) for s in SENTENCES]
    path.write_text("\n".join(lines), encoding="utf-8")
    for asked, says in (("bio", "mark no names"), ("iob1", "'iob1' is not bio or bioes")):
        code, _, err = run(monkeypatch, capsys, "--train", path, "--scheme", asked)
        assert (code, says in err) == (1, True)
