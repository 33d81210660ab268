"""Names of several words: the labels stay one for each word, and the text is hard as promised."""

from collections import Counter

from tests.data.tinyworld.worlds import drawn
from tinyllm.data.tinyworld.surnames import MONTHS, with_surnames
from tinyllm.metrics.spans import spans


def test_a_label_for_each_word_and_nothing_else_is_changed():
    stories = drawn("mini", 60)
    found = list(with_surnames(stories, seed=3))
    sentences = [(story, sentence) for story in stories for sentence in story.sentences]
    assert len(found) == len(sentences)
    for new, (story, sentence) in zip(found, sentences, strict=True):
        assert len(new.words) == len(new.tags) == len(new.entities)
        old = [x for said in story.pieces[sentence.begins : sentence.ends] for x in said.entities]
        kinds = [kind for kind, _, _ in spans(new.entities, "BIO")]
        assert kinds == [kind for kind in old if kind]
        plain = [w for w, tag in zip(new.words, new.entities, strict=True) if tag == "O"]
        before = story.sentence_words(sentence)
        assert plain == [w for w, kind in zip(before, old, strict=True) if not kind]
        names = zip(new.tags, new.entities, strict=True)
        assert all(tag == "PROPN" for tag, label in names if label.endswith(("PER", "LOC")))


def test_the_same_seed_gives_the_same_names():
    one, same, other = (list(with_surnames(drawn("mini", 20), seed)) for seed in (1, 1, 2))
    assert one == same != other


def test_words_are_names_of_several_kinds():
    tags = Counter(
        (word, label)
        for sentence in with_surnames(drawn("mini", 300), seed=0)
        for word, label in zip(sentence.words, sentence.entities, strict=True)
    )
    for month in MONTHS[:3]:
        assert min(tags[month, "B-PER"], tags[month, "B-DATE"]) > 5
    town = drawn("mini", 1)[0].world.cities[0].english
    assert min(tags[town, label] for label in ("B-PER", "I-PER", "B-LOC", "I-LOC")) > 0
