"""The counting taggers: exact search, exact averages, files that come back, errors that say why."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyllm.text.taggers import (
    HMMTagger,
    MostFrequentTagger,
    PerceptronTagger,
    SuffixModel,
    load_tagger,
    viterbi,
)
from tinyllm.text.taggers import perceptron as perceptron_file

SENTENCES = [
    (["the", "dog", "barks"], ["DET", "NOUN", "VERB"]),
    (["the", "barks", "stop"], ["DET", "NOUN", "VERB"]),
    (["a", "cat", "sleeps"], ["DET", "NOUN", "VERB"]),
    (["Anna", "barks", "loudly"], ["NAME", "VERB", "ADV"]),
    (["Anna", "sleeps", "quietly"], ["NAME", "VERB", "ADV"]),
    (["Anna", "barks"], ["NAME", "VERB"]),
]
TAGGERS = [
    MostFrequentTagger,
    lambda: MostFrequentTagger(suffixes=True),
    HMMTagger,
    PerceptronTagger,
    lambda: PerceptronTagger("greedy", epochs=3, seed=5),
]
IDS = ["most-frequent", "suffixes", "hmm", "viterbi", "greedy"]
each_tagger = pytest.mark.parametrize("make", TAGGERS, ids=IDS)


# Search


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 10**6), st.sampled_from([0, 0.3]))
def test_viterbi_is_the_best_of_all_sequences(T, K, seed, forbidden):
    rng = np.random.default_rng(seed)
    scores, transitions = rng.normal(size=(T, K)), 2 * rng.normal(size=(K, K))
    transitions[rng.random((K, K)) < forbidden] = -np.inf
    start, end = rng.normal(size=K), rng.normal(size=K)

    def total(path):
        steps = sum(transitions[a, b] for a, b in itertools.pairwise(path))
        return start[path[0]] + sum(scores[range(T), path]) + steps + end[path[-1]]

    best = max(itertools.product(range(K), repeat=T), key=total)
    if total(best) == -np.inf:
        with pytest.raises(ValueError, match="every path is forbidden"):
            viterbi(scores, transitions, start, end)
    else:
        assert viterbi(scores, transitions, start, end) == list(best)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((np.zeros((0, 2)), np.zeros((2, 2))), "both above 0"),
        ((np.zeros((3, 2)), np.zeros((3, 2))), r"transitions must be of shape \(2, 2\)"),
        ((np.zeros((3, 2)), np.zeros((2, 2)), np.zeros(3)), "start must be"),
        ((np.full((3, 2), np.nan), np.zeros((2, 2))), "scores holds NaN"),
    ],
)
def test_viterbi_refuses(arguments, says):
    with pytest.raises(ValueError, match=says):
        viterbi(*arguments)


def test_hmm_finds_the_most_probable_sequence_by_its_own_numbers():
    hmm = HMMTagger().fit(SENTENCES)
    words = ["the", "barks", "loudly"]
    scores = [hmm.emission(word) for word in words]

    def log_probability(path):
        total = hmm.start[path[0]] + hmm.end[path[-1]]
        total += sum(hmm.transitions[a, b] for a, b in itertools.pairwise(path))
        return total + sum(s[k] for s, k in zip(scores, path, strict=True))

    best = max(itertools.product(range(len(hmm.tags)), repeat=3), key=log_probability)
    assert hmm.tag(words) == [hmm.tags[k] for k in best]


def test_hmm_probabilities_sum_to_one():
    hmm = HMMTagger().fit(SENTENCES)
    rows = np.exp(np.c_[hmm.transitions, hmm.end]).sum(axis=1)
    np.testing.assert_allclose(rows, 1, atol=1e-12)
    nothing = 1.0 * 6 / 23 / (6 + 1)  # an end at once: never seen, smoothed by P(end) = 6 of 23
    np.testing.assert_allclose(np.exp(hmm.start).sum(), 1 - nothing, atol=1e-12)


def test_context_decides_where_the_word_cannot():
    frequent, hmm = MostFrequentTagger().fit(SENTENCES), HMMTagger().fit(SENTENCES)
    perceptron = PerceptronTagger().fit(SENTENCES)
    words = ["the", "barks", "stop"]
    assert frequent.tag(words)[1] == "VERB"
    assert hmm.tag(words)[1] == perceptron.tag(words)[1] == "NOUN"


def test_endings_tag_unknown_words():
    hmm, suffixes = HMMTagger().fit(SENTENCES), MostFrequentTagger(suffixes=True).fit(SENTENCES)
    assert hmm.tag(["Anna", "barks", "gladly"])[2] == suffixes.tag(["gladly"])[0] == "ADV"
    assert MostFrequentTagger().fit(SENTENCES).tag(["gladly"]) == ["VERB"]  # the most frequent


def test_suffix_probabilities_by_hand():
    model = SuffixModel(strength=2.0).fit({"ab": np.array([3.0, 1.0]), "cb": np.array([0.0, 2.0])})
    prior = np.array([4, 4]) / 8
    by_shape = (np.array([3, 3]) + 2 * prior) / 8
    by_b = (np.array([3, 3]) + 2 * by_shape) / 8
    by_ab = (np.array([3, 1]) + 2 * by_b) / 6
    np.testing.assert_allclose(model.probabilities("xxb"), by_b)
    np.testing.assert_allclose(model.probabilities("ab"), by_ab)
    np.testing.assert_allclose(model.probabilities("7"), prior)


# The perceptron's average


@pytest.mark.parametrize("search", ["viterbi", "greedy"])
def test_averaging_equals_the_naive_mean(search, monkeypatch):
    """The mean of the weights after each sentence, added up one by one."""
    monkeypatch.setattr(perceptron_file, "DIGITS", 12)
    after = []

    class Watched(PerceptronTagger):
        def _search(self, rows):
            after.append((self.weights.copy(), self.follow.copy()))  # what the step before left
            return super()._search(rows)

        def _round_off(self):
            self.averaged = self.weights.copy(), self.follow.copy()

    # a last pass over the same sentences shows the weights after the last step of the one before
    epochs, n = 4, len(SENTENCES)
    Watched(search, epochs + 1).fit(SENTENCES)
    seen = after[1 : epochs * n + 1]
    tagger = Watched(search, epochs).fit(SENTENCES)
    assert len(seen) == epochs * n
    for place in (0, 1):
        naive = sum(arrays[place] for arrays in seen) / len(seen)
        np.testing.assert_allclose(tagger.averaged[place], naive, atol=1e-12)
        assert np.abs(naive).max() > 0.1


def test_weights_of_both_searches_fit_their_own_sentences():
    for search in ("viterbi", "greedy"):
        tagger = PerceptronTagger(search).fit(SENTENCES)
        assert [tagger.tag(words) for words, _ in SENTENCES] == [tags for _, tags in SENTENCES]


def test_same_seed_same_weights():
    one, two = (PerceptronTagger(seed=3).fit(SENTENCES) for _ in range(2))
    assert one._state() == two._state()
    assert one._state()["weights"] != PerceptronTagger(seed=4).fit(SENTENCES)._state()["weights"]


# One interface


@each_tagger
@given(st.lists(st.text(max_size=12), max_size=8))
def test_any_words_get_as_many_known_tags(make, words):
    tagger = make().fit(SENTENCES)
    tags = tagger.tag(words)
    assert len(tags) == len(words)
    assert set(tags) <= set(tagger.tags)


any_sentence = st.lists(st.tuples(st.text(max_size=6), st.sampled_from("ABC")), max_size=5)


@each_tagger
@given(st.lists(any_sentence, max_size=4))
def test_any_sentences_can_be_learned_and_saved(make, pairs):
    sentences = [([w for w, _ in s], [t for _, t in s]) for s in pairs]
    if not any(pairs):
        with pytest.raises(ValueError, match="no word"):
            make().fit(sentences)
        return
    tagger = make().fit(sentences)
    state = json.loads(json.dumps({"format": 1, "kind": tagger.kind, "tags": tagger.tags}))
    state |= json.loads(json.dumps(tagger._state()))
    again = type(tagger).from_state(state, "a file")
    for words, _ in sentences:
        assert again.tag(words) == tagger.tag(words)


@each_tagger
def test_save_and_load(make, tmp_path):
    tagger = make().fit(SENTENCES)
    tagger.save(tmp_path / "tagger.json")
    words = ["the", "quiet", "Anna", "barks", "7", ""]
    for again in (
        load_tagger(tmp_path / "tagger.json"),
        type(tagger).load(tmp_path / "tagger.json"),
    ):
        assert type(again) is type(tagger)
        assert again.tag(words) == tagger.tag(words)
        assert again._state() == tagger._state()
    assert [p.name for p in tmp_path.iterdir()] == ["tagger.json"]


@each_tagger
def test_fitting_again_forgets(make):
    tagger = make().fit(SENTENCES)
    tagger.fit([(["dog"], ["X"])])
    assert tagger.tag(["the", "dog"]) == ["X", "X"]


@each_tagger
def test_bad_input(make):
    tagger = make()
    with pytest.raises(RuntimeError, match="learned nothing yet"):
        tagger.tag(["a"])
    with pytest.raises(RuntimeError, match="nothing to save"):
        tagger.save("never-written.json")
    for sentences, error, says in [
        ([], ValueError, "no word"),
        ([([], [])], ValueError, "no word"),
        ([(["a"], ["X", "Y"])], ValueError, "sentence 0 has 1 words and 2 tags"),
        ([("a b", ["X", "Y"])], TypeError, "not one string"),
        ([(["a", 3], ["X", "Y"])], TypeError, "word 1 is 3"),
        ([["a/X", "b/Y", "c/Z"]], TypeError, "pair .* not list of 3"),
    ]:
        with pytest.raises(error, match=says):
            tagger.fit(sentences)
    tagger.fit(SENTENCES)
    assert tagger.tag([]) == []
    with pytest.raises(TypeError, match="split it first"):
        tagger.tag("the dog")


@each_tagger
def test_damaged_files(make, tmp_path):
    path = tmp_path / "t.json"
    make().fit(SENTENCES).save(path)
    whole = json.loads(path.read_text(encoding="utf-8"))
    for key in set(whole) - {"format", "kind", "tags", "suffixes", "seed"}:
        for value in (None, [], {"a": {"99": 1}}, -1, [["x"]]):
            path.write_text(json.dumps({**whole, key: value}), encoding="utf-8")
            with pytest.raises(ValueError, match=r"t\.json: not a whole"):
                load_tagger(path)
    path.write_text(json.dumps({**whole, "tags": []}), encoding="utf-8")
    with pytest.raises(ValueError, match="'tags' is not"):
        load_tagger(path)
    path.write_text(json.dumps({**whole, "kind": "oracle"}), encoding="utf-8")
    with pytest.raises(ValueError, match="'oracle', not one of"):
        load_tagger(path)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: PerceptronTagger("beam"), "viterbi or greedy"),
        (lambda: PerceptronTagger(epochs=0), "at least 1"),
        (lambda: HMMTagger(word_strength=0), "word_strength must be above 0"),
        (lambda: HMMTagger(transition_strength=float("nan")), "transition_strength"),
    ],
)
def test_bad_settings(make, says):
    with pytest.raises(ValueError, match=says):
        make()
