"""`python -m tinyllm.data.tinyworld`: samples of the world, or its grammar drawn."""

from __future__ import annotations

import argparse

from tinyllm.data.tinyworld import (
    SIZES,
    Dial,
    Grammar,
    World,
    chinese,
    dial_report,
    dialogue,
    draw_grammar,
    entropy,
    stories,
    summary,
)


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tinyllm.data.tinyworld", description=__doc__)
    parser.add_argument("what", nargs="?", default="samples",
                        choices=["samples", "grammar", "entropy", "dial"])  # fmt: skip
    parser.add_argument("--size", default="mini", choices=list(SIZES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=None, help="stories to draw")
    parser.add_argument("--strength", type=float, default=0.6, help="of the dial")
    asked = parser.parse_args()
    grammar = Grammar(World(asked.seed, asked.size))
    if asked.what == "grammar":
        print(draw_grammar(grammar, asked.count or 2000))
    elif asked.what == "entropy":
        print(entropy(grammar, asked.count or 10_000))
    elif asked.what == "dial":
        world = World(asked.seed, asked.size, Dial(asked.strength, asked.strength))
        for report in dial_report(world, stories(Grammar(world), asked.count or 5000)):
            print(report)
    else:
        samples(grammar, asked.count or 5, asked.seed)


def samples(grammar: Grammar, count: int, seed: int) -> None:
    """Print stories with all their views."""
    for number, story in enumerate(stories(grammar, count, seed, "validation")):
        print(story.text)
        print("".join(chinese(story)))
        print(f"  log p = {story.log_prob:.3f} nats over {len(story.words)} words")
        print(f"  summary: {summary(story)}")
        for turn in dialogue(story, grammar, 3, number).turns:
            said = turn["content"].removeprefix(f"{story.text} ")
            print(f"  {turn['role']}: {said}")
        print()


if __name__ == "__main__":
    main()
