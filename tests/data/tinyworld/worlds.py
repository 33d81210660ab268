"""Worlds that the tests share: made once, never changed."""

from functools import cache

from tinyllm.data.tinyworld import Dial, Grammar, World, stories


@cache
def grammar_of(size, seed=0, strength=0.0):
    return Grammar(World(seed, size, Dial(strength, strength)))


@cache
def drawn(size, count, seed=0, split="train"):
    return tuple(stories(grammar_of(size), count, seed, split))
