"""Summaries: pairs to models of both kinds, scores, files that are not as they should be."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tinyllm.tasks import summarization
from tinyllm.tasks.pairs import make_model, model_settings, plain
from tinyllm.tasks.summarization import Model, SummarizationConfig, load_corpus
from tinyllm.tasks.summarizer import Summarizer, known_words
from tinyllm.text import BPETokenizer

WORDS = BPETokenizer.train([" Tom saw Tom"] * 5, 264)
SMALL = Model(vocab_size=400, layers=1, heads=2, width=32, dropout=0.0, longest=150)


@pytest.fixture(scope="module")
def corpus():
    whole = load_corpus("tinyworld", size="mini", train_stories=200, test_stories=12)
    assert len(whole.aside) == summarization.ASIDE
    return dataclasses.replace(whole, aside=whole.aside[:20])


@pytest.mark.parametrize("kind", ["seq2seq", "decoder"])
def test_trains_measures_and_is_opened_again(kind, corpus, tmp_path):
    config = SummarizationConfig(max_steps=6, batch_size=8, eval_every=3, warmup_steps=1)
    model, result = summarization.train(
        corpus, config, SMALL, kind, tmp_path / "run", progress=False
    )
    assert result.steps == 6
    scores = summarization.evaluate(model, corpus, num_beams=2)
    assert scores.texts == 12
    assert scores.world.stories == 12
    assert "true of their story" in str(scores)
    json.dumps(scores.to_dict())
    text = corpus.test[0][0]
    again = Summarizer.open(tmp_path / "run")
    assert again.write(text, 2) == model.write(text, 2)
    assert "".join(again.stream(text)) == again.write(text, 1)
    _, same = summarization.train(corpus, config, SMALL, kind, tmp_path / "run", progress=False)
    assert same.metrics == result.metrics, "a finished run is not trained again"


def test_learns_a_few_pairs_by_heart(corpus, tmp_path):
    few = summarization.Corpus(corpus.train[:4], corpus.train[:4], corpus.train[:4], {})
    config = SummarizationConfig(
        max_steps=150, batch_size=4, eval_every=150, warmup_steps=5, average_decay=None
    )
    model, _ = summarization.train(few, config, SMALL, folder=tmp_path / "run", progress=False)
    assert model.write_all([text for text, _ in few.train]) == [s for _, s in few.train]


def test_held_out_stories_are_told_of_their_own(corpus):
    train, test = ({text for text, _ in part} for part in (corpus.train, corpus.test))
    assert not train & test


def summarizer(kind):
    tokenizer = BPETokenizer.train(["a b c. d e f."], 262)
    sizes = {"layers": 1, "heads": 2, "width": 16, "dropout": 0.0}
    settings = model_settings(kind, {"tokenizer": tokenizer}, 20, **sizes)
    return Summarizer(make_model(settings), {"tokenizer": tokenizer})


@pytest.mark.parametrize("kind", ["seq2seq", "decoder"])
def test_texts_that_cannot_be_read(kind):
    model = summarizer(kind)
    assert model.longest == 20
    with pytest.raises(ValueError, match="summarize: the text is empty, there is nothing"):
        model.write(" \n ")
    with pytest.raises(ValueError, match=r"has 21 tokens, and the model reads 20 at most: summar"):
        model.write("z" * 20)  # and a blank before
    with pytest.raises(ValueError, match="text 2: the text is empty"):
        model.write_all(["a", ""])


def test_a_decoder_learns_the_summary_alone():
    model = summarizer("decoder")
    pairs = model.encode_pairs([("a b c.", "d"), ("d", "a b")])
    assert len(pairs) == 2
    for source, target in pairs:
        assert target[0] == model.start_id
        assert target[-1] == model.end_id
        assert np.all(source < model.start_id)


def test_a_name_is_the_same_token_wherever_it_stands():
    model = Summarizer(summarizer("seq2seq").model, {"tokenizer": WORDS})
    assert model.encode("Tom saw Tom") == WORDS.encode(" Tom saw Tom")
    assert model.encode("Tom saw Tom")[0] == model.encode("Tom saw Tom")[-1]
    _, target = model.encode_pair("Tom", "Tom")
    assert target[1] == model.encode("Tom")[0]


def test_texts_that_are_too_long_are_not_measured_on_and_counted():
    model = summarizer("seq2seq")
    pairs = [("a b c.", "a"), ("z" * 21, "z"), ("d e f.", "d")]
    scores = summarization.evaluate(model, summarization.Corpus([], [], pairs, {}), num_beams=1)
    assert (scores.texts, scores.left_out) == (2, 1)
    assert "(1 more are too long" in str(scores)
    with pytest.raises(ValueError, match="each of the 1 texts to measure on has more than the 20"):
        summarization.evaluate(model, summarization.Corpus([], [], pairs[1:2], {}))


def test_words_that_were_never_seen():
    model = summarizer("seq2seq")
    assert model.never_seen("Anything goes.") == []
    words = known_words(["Tom saw a well-known cat."])
    model = Summarizer(model.model, {**model.tokenizers, "words": words})
    assert model.never_seen("A CAT saw tom.") == []
    assert model.never_seen("Ann saw 3 well-read cats, Ann did.") == ["Ann", "read", "cats", "did"]


@hypothesis_settings(deadline=None, max_examples=40)
@given(st.text(max_size=60))
def test_any_text_is_summarised_or_refused_in_a_sentence(text):
    model = summarizer("seq2seq")
    model.never_seen(text)
    if plain(text) and len(model.source.encode(model.prefix + plain(text))) <= model.longest:
        assert isinstance(model.write(text, num_beams=1), str)
    else:
        with pytest.raises(ValueError, match="^summarize: "):
            model.write(text)


def test_a_file_of_few_pairs(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"text": "A  long\\ntext.", "summary": "Short."}\n' * 12)
    corpus = load_corpus(path)
    assert corpus.test == [("A long text.", "Short.")]
    assert len(corpus.train) == 10
    path.write_text('{"text": "A", "summary": "B"}\n')
    with pytest.raises(ValueError, match="has 1 pairs, and at least 10 are needed"):
        load_corpus(path)


def test_the_lead():
    assert summarization.first_sentence("One. Two. Three.") == "One."
    assert summarization.first_sentence("Alone") == "Alone"
