import random
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyllm.metrics import span_f1, spans

TYPES = ["PER", "LOC", "ORG", "creative-work"]
ALL_TAGS = ["O", "B", "I", *(f"{p}-{t}" for p in "BIES" for t in TYPES)]
BIO_TAGS = [tag for tag in ALL_TAGS if tag[0] in "BIO"]


@pytest.fixture(scope="module")
def seqeval():
    import_it = pytest.importorskip("seqeval.metrics", reason="seqeval is the oracle: install it")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield import_it


def sentences(rng, tags, size):
    def one(length):
        return [rng.choice(["O", "O", *tags]) for _ in range(length)]

    lengths = [rng.randrange(9) for _ in range(size)]
    true = [one(length) for length in lengths]
    predicted = [[tag if rng.random() < 0.7 else rng.choice(tags) for tag in row] for row in true]
    return true, predicted


def assert_equal(seqeval, true, predicted, mode=None, scheme=None):
    from seqeval.scheme import IOB2, IOBES

    ours = span_f1(true, predicted, mode, scheme)
    oracle = {"mode": mode, "scheme": {None: None, "BIO": IOB2, "BIOES": IOBES}[scheme]}
    functions = {"precision": seqeval.precision_score, "recall": seqeval.recall_score}
    functions["f1"] = seqeval.f1_score
    if not ours.per_type:
        assert ours.score == 0
        return ours
    for name, function in functions.items():
        for average in ("micro", "macro", "weighted"):
            theirs = function(true, predicted, average=average, zero_division=0, **oracle)
            row = getattr(ours, average)
            assert getattr(row, name) == pytest.approx(theirs, abs=1e-9), (name, average)
        theirs = function(true, predicted, average=None, zero_division=0, **oracle)
        assert [getattr(row, name) for row in ours.per_type.values()] == pytest.approx(theirs)
    return ours


@pytest.mark.parametrize(
    ("tags", "mode", "scheme"),
    [
        (ALL_TAGS, None, None),
        (BIO_TAGS, None, None),
        (BIO_TAGS, "strict", "BIO"),
        (ALL_TAGS, "strict", "BIOES"),
    ],
)
def test_equals_seqeval(tags, mode, scheme, seqeval):
    rng = random.Random(2)
    for size in (1, 2, 5, 30, 100):
        for _ in range(12):
            assert_equal(seqeval, *sentences(rng, tags, size), mode, scheme)


@pytest.mark.parametrize("scheme", [None, "BIO", "BIOES"])
def test_spans_equal_seqevals_one_by_one(scheme, seqeval):
    from seqeval.metrics.sequence_labeling import get_entities
    from seqeval.scheme import IOB2, IOBES, Entities

    rng = random.Random(4)
    for _ in range(3000):
        tags = rng.choices(BIO_TAGS if scheme == "BIO" else ALL_TAGS, k=rng.randrange(8))
        if scheme is None:
            expected = get_entities(tags)
        else:
            found = Entities([tags], {"BIO": IOB2, "BIOES": IOBES}[scheme]).entities[0]
            expected = [(entity.tag, entity.start, entity.end - 1) for entity in found]
        assert spans(tags, scheme) == expected, tags


@given(st.lists(st.lists(st.sampled_from(ALL_TAGS), max_size=6), min_size=1, max_size=4))
def test_perfect_is_one(rows):
    score = span_f1(rows, rows)
    assert score.score == (1 if score.per_type else 0)
    assert span_f1(rows, rows, "strict", "BIOES").score in (0, 1)


def test_no_entity_at_all_is_zero(seqeval):
    """seqeval warns of a mean over nothing, and gives NaN for macro."""
    ours = span_f1([["O", "O"]], [["O", "O"]])
    assert (ours.score, ours.macro.f1, ours.weighted.f1) == (0, 0, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = seqeval.f1_score([["O"]], [["O"]], average="macro")
    assert np.isnan(theirs)


def test_strict_sees_the_scheme():
    """seqeval's mode="strict" without a scheme is its forgiving one."""
    true, stray = [["B-PER", "I-PER", "O"]], [["I-PER", "I-PER", "O"]]
    assert span_f1(true, stray).f1 == 1
    assert span_f1(true, stray, "strict").f1 == 0
    assert span_f1(true, stray, "strict").signature.startswith("mode:strict|scheme:BIO|")
    assert span_f1([["S-PER"]], [["S-PER"]], "strict").settings["scheme"] == "BIOES"


def test_bio_of_the_other_scheme_marks_nothing():
    assert spans(["B-PER", "I-PER", "O"], "BIOES") == []
    assert spans(["B-PER", "E-PER", "S-LOC"], "BIOES") == [("PER", 0, 1), ("LOC", 2, 2)]
    assert spans(["B-PER", "E-LOC"], "BIOES") == []


def test_report():
    score = span_f1([["B-PER", "O", "B-LOC"]], [["B-PER", "O", "O"]])
    assert score.report().splitlines()[1].split() == ["LOC", "0.0000", "0.0000", "0.0000", "1"]
    assert str(score) == "span F1 0.6667"
    assert (score.precision, score.recall) == (1, 0.5)
    assert score.to_dict()["per_type"]["PER"]["support"] == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([["PER"]], [["O"]]), ValueError, "'PER' is no tag: tags are O, or one of B, I, E, S"),
        (([[""]], [["O"]]), ValueError, "'' is no tag"),
        (([["O-PER"]], [["O"]]), ValueError, "'O-PER' is no tag"),
        (([["B-PER"]], [["E-PER"]], "strict", "BIO"), ValueError, "'E-PER' is no tag.* of B, I"),
        (([["O"]], [["O", "O"]]), ValueError, "sentence 0 has 1 labels in y_true and 2 in y_pred"),
        (([["O"]], []), ValueError, "1 sentences in y_true and 0 in y_pred"),
        (([], []), ValueError, "y_true is empty"),
        ((["O"], ["O"]), TypeError, r"y_true\[0\] is a str, not a list of labels"),
        (("O", ["O"]), TypeError, "y_true is a str, not a list of lists"),
        (([["O"]], [["O"]], "loose"), ValueError, "mode 'loose' is not known"),
        (([["O"]], [["O"]], "strict", "X"), ValueError, "scheme 'X' is not known"),
        (([["O"]], [["O"]], None, "BIO"), ValueError, "matters only with mode='strict'"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        span_f1(*arguments)
