import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinyllm
from tinyllm.data.translation import PairBatches
from tinyllm.generation import inference
from tinyllm.tasks import translation
from tinyllm.tasks.pairs import loss_on, make_model, plain
from tinyllm.tasks.translation_data import load_corpus, tinyworld_corpus
from tinyllm.tasks.translator import Translator

TINY = {
    "vocab_size": 400, "layers": 1, "heads": 2, "width": 48, "dropout": 0.0, "batch_size": 16,
    "threads": 1, "average_decay": 0.9, "warmup_steps": 5,
}  # fmt: skip

TRAINED = {**TINY, "max_steps": 300, "eval_every": 150, "learning_rate": 1e-2}


def micro(count=60):
    return tinyworld_corpus("micro", count, test_stories=6)


def untrained(kind="seq2seq", **more):
    preset = translation.make_preset("tinyworld", **{**TINY, **more})
    corpus = micro(10)
    tokenizers = translation.make_tokenizers(corpus.train, preset)
    tinyllm.manual_seed(3)
    model = make_model(translation.sizes_of(kind, preset, tokenizers))
    return Translator(model, tokenizers, corpus.characters()), corpus


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A translator of a micro world, trained for seconds, and its run's folder."""
    threads = tinyllm.get_num_threads()
    folder = tmp_path_factory.mktemp("runs") / "micro"
    corpus = micro(400)
    translator, result = translation.train(
        corpus, "tinyworld", "seq2seq", folder, progress=False, **TRAINED
    )
    tinyllm.set_num_threads(threads)
    return translator, corpus, result


def test_a_micro_world_is_learned_and_scored(trained):
    translator, corpus, result = trained
    scores = translation.evaluate(translator, corpus)
    assert scores.accepted.accepted.score > 0.8
    assert scores.bleu.score > 90
    assert scores.accepted.sentences == scores.pairs == len(corpus.test)
    json.dumps(scores.to_dict(), allow_nan=False)
    assert "BLEU" in str(scores)
    assert "→" in str(scores)
    assert translator.write(corpus.test[0][0]) == scores.examples[0].translation


def test_a_run_opened_again_says_the_same(trained):
    translator, corpus, result = trained
    opened = Translator.open(result.run.path)
    sources = [source for source, _ in corpus.test]
    assert opened.write_all(sources) == translator.write_all(sources)
    assert opened.characters == translator.characters


def test_called_again_it_goes_on_and_other_settings_are_refused(trained):
    _, corpus, result = trained
    _, again = translation.train(
        corpus, "tinyworld", "seq2seq", result.run.path, progress=False, **TRAINED
    )
    assert again.metrics == result.metrics
    with pytest.raises(ValueError, match="begun with other settings.*learning_rate is 0.01"):
        translation.train(
            corpus, "tinyworld", "seq2seq", result.run.path, progress=False,
            **{**TRAINED, "learning_rate": 1e-3},
        )  # fmt: skip


def test_same_seed_same_weights(tmp_path):
    runs = [
        translation.train(
            micro(), "tinyworld", kind, tmp_path / f"{kind}{i}", progress=False,
            **{**TINY, "dropout": 0.1, "max_steps": 4, "eval_every": 2},
        )[0].model.state_dict()
        for kind in ("seq2seq", "decoder")
        for i in range(2)
    ]  # fmt: skip
    for one, other in (runs[:2], runs[2:]):
        for name, value in one.items():
            np.testing.assert_array_equal(value.array, other[name].array)


@pytest.mark.parametrize("joint", [False, True])
def test_a_decoder_learns_the_target_alone(joint):
    translator, corpus = untrained("decoder", joint=joint)
    pairs = [translator.encode_pair(*pair) for pair in corpus.train[:5]]
    (batch,) = PairBatches(pairs, 8, pad_id=0, shuffle=False)
    ids, targets = (tensor.array for tensor in translator.to_tensors(batch))
    for row, (source, target) in enumerate(pairs):
        S, T = len(source), len(target) - 1
        assert ids[row, : S + T].tolist() == [*source, *target[:-1]]
        assert (targets[row, :S] == -100).all()
        assert targets[row, S : S + T].tolist() == target[1:].tolist()
        assert (targets[row, S + T :] == -100).all()
        assert translator.encode(corpus.train[row][0]) == [*source, translator.start_id]
    assert ids.max() < translator.model.config.vocab_size
    if not joint:  # the two languages' tokens are kept apart
        assert min(source.min() for source, _ in pairs) >= translator.target.vocab_size


def test_the_loss_is_that_of_each_pair_alone():
    for kind in ("seq2seq", "decoder"):
        translator, corpus = untrained(kind)
        pairs = [translator.encode_pair(*pair) for pair in corpus.train[:6]]
        total = tokens = 0
        with inference(translator.model):
            for pair in pairs:
                (batch,) = PairBatches([pair], 1, pad_id=0)
                n = len(pair[1]) - 1
                total += n * translator.model.loss(*translator.to_tensors(batch)).item()
                tokens += n
            found = loss_on(translator, corpus.train[:6])(translator.model)
        assert found["val_loss"] == pytest.approx(total / tokens, rel=1e-5)


def test_two_kinds_of_the_same_size():
    sizes = []
    for kind in ("seq2seq", "decoder"):
        model = untrained(kind, layers=3, joint=True)[0].model
        sizes.append(sum(p.numel() for p in model.parameters() if p.ndim == 2))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.001)


@pytest.mark.parametrize("kind", ["seq2seq", "decoder"])
def test_one_beam_is_greedy_and_batches_change_nothing(kind):
    translator, corpus = untrained(kind)
    sources = [source for source, _ in corpus.train[:7]]
    batched = translator.write_all(sources, num_beams=1)
    assert [translator.write(source, 1) for source in sources] == batched
    assert ["".join(translator.stream(source)).strip() for source in sources] == batched


TRANSLATORS = {kind: untrained(kind)[0] for kind in ("seq2seq", "decoder")}


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=25), st.sampled_from(["seq2seq", "decoder"]))
def test_any_text_is_translated_or_refused_in_a_sentence(text, kind):
    translator = TRANSLATORS[kind]
    if not plain(text):
        with pytest.raises(ValueError, match="nothing to translate"):
            translator.write(text)
        return
    found = translator.write(text, num_beams=2)
    assert isinstance(found, str)
    found.encode()  # no lone surrogates
    assert all(c in text for c in translator.never_seen(text))


@pytest.mark.parametrize("kind", ["seq2seq", "decoder"])
def test_a_source_that_is_too_long_is_refused(kind):
    translator = TRANSLATORS[kind]
    fits = "q" * translator.longest
    assert len(translator.source.encode(fits)) == translator.longest
    translator.write(fits, 1)
    with pytest.raises(ValueError, match=r"text 2: 'q+'… has 257 tokens.*reads 256 at most"):
        translator.write_all(["fine", fits + "q"])


def test_unknown_characters_are_named(trained):
    translator = trained[0]
    assert translator.never_seen("Ω she 漢 Ω") == ["Ω", "漢"]
    assert isinstance(translator.write("Ω 漢"), str)


def test_cross_attention_is_that_of_the_model(trained):
    translator, corpus, _ = trained
    source, target = corpus.test[0]
    read, written, weights = translator.cross_attention(source, target)
    layers, heads = weights.shape[:2]
    assert weights.shape == (layers, heads, len(written), len(read))
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)
    assert "".join(written[:-1]) == target.replace(" ", "")
    assert written[-1] == "</s>"
    read, written, weights = translator.cross_attention("a 漢字 é", "漢字")
    assert "".join(read).replace("␣", "") == "a漢字é"  # of several bytes each
    assert written == ["漢", "字", "</s>"]
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)
    example = translation.Example(source, target, target)
    assert translation.draw_attention(translator, example).startswith("<svg")
    with pytest.raises(ValueError, match="a decoder has none"):
        TRANSLATORS["decoder"].cross_attention(source, target)


# Data


@pytest.fixture
def files(tmp_path):
    one, other = tmp_path / "a.en", tmp_path / "a.de"
    one.write_text("".join(f"line {i}\n" for i in range(40)), encoding="utf-8")
    other.write_text("".join(f"Zeile {i}\n" for i in range(40)), encoding="utf-8")
    return one, other


def test_files_are_split_into_three_parts(files):
    corpus = load_corpus(files, seed=1)
    parts = corpus.train, corpus.aside, corpus.test
    assert [len(part) for part in parts] == [32, 4, 4]
    assert len({pair for part in parts for pair in part}) == 40
    assert corpus == load_corpus(files, seed=1) != load_corpus(files, seed=2)
    assert corpus.tokenize == "13a"


def test_files_that_do_not_match_are_refused_with_both_counts(files):
    one, other = files
    other.write_text("Zeile\n" * 37, encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.en has 40 lines.*a\.de has 37"):
        load_corpus(files)
    one.write_text("line\n" * 5, encoding="utf-8")
    other.write_text("Zeile\n" * 5, encoding="utf-8")
    with pytest.raises(ValueError, match="has 5 pairs, and at least 10 are needed"):
        load_corpus(files)


def test_the_worlds_parts_are_told_apart():
    corpus = tinyworld_corpus("mini", 30, test_stories=20)
    assert sum(len(story.sentences) for story in corpus.stories) == len(corpus.test)
    assert corpus.tokenize == "zh"
    again = tinyworld_corpus("mini", 30, test_stories=20)
    assert (corpus.train, corpus.aside, corpus.test) == (again.train, again.aside, again.test)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: load_corpus("klingon"), "'klingon' is not tinyworld or multi30k, or two files"),
        (lambda: load_corpus(["a"]), "a name or two files, not 1"),
        (lambda: tinyworld_corpus("giant"), "'giant' is not full or mini or micro"),
        (lambda: translation.make_preset("fast"), "'fast' is not known.*pairs"),
        (lambda: translation.make_preset("pairs", widht=3), r"unknown settings \['widht'\]"),
        (lambda: untrained("rnn"), "'rnn' is not seq2seq or decoder"),
        (lambda: make_model({"kind": "rnn"}), "'rnn' is not seq2seq or decoder"),
    ],
)
def test_what_is_not_known_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_no_run_of_the_task(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="no model trained for translation in runs/"):
        Translator.open()
