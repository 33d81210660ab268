"""Loaders: every pair and story once, masks that keep apart, and a state that resumes."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyllm.data import PackedStories, PairBatches
from tinyllm.data.translation import IGNORE

PAD = 0
IDS = st.lists(st.integers(1, 99), min_size=2, max_size=9)


def pair_loader(pairs, **options):
    return PairBatches(pairs, **{"batch_size": 3, "pad_id": PAD, "pool": 2, **options})


def some_pairs(count=40, seed=0):
    draw = np.random.default_rng(seed)
    return [(draw.integers(1, 99, draw.integers(1, 30)), draw.integers(1, 99, draw.integers(2, 30)))
            for _ in range(count)]  # fmt: skip


def some_stories(count=40, longest=9):
    draw = np.random.default_rng(1)
    return [draw.integers(1, 99, draw.integers(1, longest + 1)).tolist() for _ in range(count)]


@settings(deadline=None)
@given(pairs=st.lists(st.tuples(IDS, IDS), min_size=1, max_size=20), seed=st.integers(0, 9))
def test_an_epoch_has_each_pair_once_and_padding_is_where_it_says(pairs, seed):
    loader = pair_loader(pairs, seed=seed)
    seen = []
    for batch in loader:
        assert len(batch.index) <= 3
        for row, number in enumerate(batch.index.tolist()):
            source, target = pairs[number]
            seen.append(number)
            assert batch.source[row][~batch.source_padding[row]].tolist() == source
            assert (batch.source[row][batch.source_padding[row]] == PAD).all()
            real = ~batch.target_padding[row]
            assert batch.decoder_input[row][real].tolist() == target[:-1]
            assert batch.labels[row][real].tolist() == target[1:]
            assert (batch.labels[row][~real] == IGNORE).all()
        assert not batch.source_padding.all(axis=0).any()  # no column of padding alone
        assert not batch.target_padding.all(axis=0).any()
    assert sorted(seen) == list(range(len(pairs)))


def test_pairs_of_like_length_stand_together():
    pairs = some_pairs(2000)

    def padding(**options):
        batches = list(PairBatches(pairs, 20, pad_id=PAD, **options))
        wasted = sum(b.source_padding.sum() + b.target_padding.sum() for b in batches)
        return wasted / sum(b.source.size + b.labels.size for b in batches)

    assert padding() < 0.55 * padding(pool=1)


def test_orders_differ_between_epochs_and_seeds_and_are_the_same_again():
    def epoch(loader):
        return [batch.index.tolist() for batch in loader]

    one, two = pair_loader(some_pairs()), pair_loader(some_pairs())
    first = epoch(one)
    assert epoch(two) == first
    assert epoch(one) != first
    assert epoch(pair_loader(some_pairs(), seed=1)) != first
    in_order = [i for batch in epoch(pair_loader(some_pairs(), shuffle=False)) for i in batch]
    assert in_order == list(range(40))


def make_pairs():
    return pair_loader(some_pairs(11), seed=5)


def make_stories():
    return PackedStories(some_stories(30), 10, 2, pad_id=PAD, seed=5)


def flat(batch):
    return [array.tolist() for array in batch]


@pytest.mark.parametrize("make", [make_pairs, make_stories])
@settings(deadline=None, max_examples=25)
@given(steps=st.integers(0, 25))
def test_a_loader_resumes_in_the_middle_of_an_epoch(make, steps):
    def run(loader, count):
        out = []
        while len(out) < count:
            for batch in loader:
                out.append(flat(batch))
                if len(out) == count:
                    break
        return out

    whole = run(make(), steps + 12)
    loader = make()
    run(loader, steps)
    state = json.loads(json.dumps(loader.state_dict()))
    other = make()
    other.load_state_dict(state)
    assert run(other, 12) == whole[steps:]
    assert run(loader, 12) == whole[steps:]


def test_states_of_other_loaders_are_refused():
    loader = make_pairs()
    state = loader.state_dict()
    for change, message in [
        ({"pairs": 12}, "the state is of a loader with pairs 12, this one has 11"),
        ({"seed": 1}, "with seed 1, this one has 5"),
        ({"batch": 99}, "epoch 0 has no batch 99"),
        ({"batch": -1}, "no such place"),
        ({"batch": 1.5}, "no such place"),
    ]:
        with pytest.raises(ValueError, match=message):
            loader.load_state_dict({**state, **change})
    with pytest.raises(ValueError, match="a state has batch, batch_size"):
        loader.load_state_dict({})
    assert loader.state_dict() == state


@settings(deadline=None)
@given(
    stories=st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=8), min_size=1, max_size=20)
)
def test_stories_are_whole_and_apart(stories):
    seen = []
    for batch in PackedStories(stories, 8, 3, pad_id=PAD):
        mask = batch.may_attend()
        assert mask.shape == (len(batch.ids), 1, 8, 8)
        assert mask.any(axis=-1).all()  # no empty row in a softmax
        for row in range(len(batch.ids)):
            segments = batch.segments[row]
            for segment in range(1, segments.max() + 1):
                places = np.flatnonzero(segments == segment)
                story = batch.ids[row][places].tolist()
                seen.append(story)
                assert batch.targets[row][places].tolist() == [*story[1:], IGNORE]
                assert batch.positions[row][places].tolist() == list(range(len(story)))
            filling = segments == 0
            assert (batch.targets[row][filling] == IGNORE).all()
            for t in range(8):
                for s in range(8):
                    apart = segments[t] != segments[s] or s > t or (filling[t] and s != t)
                    assert mask[row, 0, t, s] == (not apart)
    assert sorted(seen) == sorted(stories)


def test_rows_are_full():
    stories = some_stories(2000, 60)
    batches = list(PackedStories(stories, 128, 8, pad_id=PAD))
    filled = sum((b.segments > 0).sum() for b in batches) / sum(b.ids.size for b in batches)
    assert filled > 0.95


def test_stories_that_are_too_long():
    stories = [[1] * 5, [2] * 3]
    with pytest.raises(ValueError, match="story 0 has 5 tokens, more than context_length 4"):
        PackedStories(stories, 4, 1, pad_id=PAD)
    assert len(PackedStories(stories, 4, 1, pad_id=PAD, too_long="drop").stories) == 1
    assert len(PackedStories(stories, 4, 1, pad_id=PAD, too_long="cut").stories[0]) == 4
    with pytest.raises(ValueError, match="every story is longer"):
        PackedStories(stories, 2, 1, pad_id=PAD, too_long="drop")
    with pytest.raises(ValueError, match="too_long 'x'"):
        PackedStories(stories, 4, 1, pad_id=PAD, too_long="x")


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        ([], ValueError, "there is no source"),
        ([([1], [])], ValueError, "target 0 is empty"),
        ([([1], [1])], ValueError, "target 0 has 1 token: it needs a start and an end token"),
        ([([1.5], [1, 2])], TypeError, "source 0 is not a list of token ids"),
        (
            [([[1]], [1, 2])],
            TypeError,
            r"source 0 is not a list of token ids: int64 of shape \(1, 1\)",
        ),
    ],
)
def test_bad_pairs(pairs, error, message):
    with pytest.raises(error, match=message):
        pair_loader(pairs)
