"""Random sentences that look like text, and spoiled copies of them as a bad translator makes."""

import random

WORDS = """
    the a of and to in it is was he for on are with as his they at be this from have or by one had
    not but what all were when we there can an your which their said if do will each about how up
    connection running happily agreed ponies relational electricity hopeful sky dying us flies
""".split()  # noqa: SIM905 - read as lines of words
CHINESE = "我们的语言模型在这里学习写字读书天地人你好世界今天很高兴"
ODD = """
    3.5% 1,000 $9.99 U.S. don't state-of-the-art 1990-2000 (hi) "quoted" [x] a/b e.g., A&B &amp;
    &quot;no&quot; &lt;tag&gt; <skipped> -5 5- .5 5. ... , . ! ? ; : - -- — “curly” ‘x’ … €20 № ½ ²
    naïve Ünïcödé ĞİŞ İstanbul 😀 👍🏽
    👨‍👩‍👧 𠀀𠀁 ＡＢＣ １２ 、 。 「引」 한국어 ひらがな カタカナ ﷽ \u200b ́ x́ ٣٫٥
""".split()  # noqa: SIM905 - read as lines of words


def sentence(rng, longest=25):
    """Words, figures, punctuation, Chinese, emoji; at times one word, or nothing."""
    kind = rng.random()
    if kind < 0.04:
        return ""
    length = 1 if kind < 0.1 else rng.randrange(1, longest)
    parts = []
    for _ in range(length):
        draw = rng.random()
        if draw < 0.65:
            word = rng.choice(WORDS)
            word = word.capitalize() if rng.random() < 0.15 else word
            parts.append(word + (rng.choice(".,;!?") if rng.random() < 0.1 else ""))
        elif draw < 0.88:
            parts.append(rng.choice(ODD))
        else:
            parts.append("".join(rng.choices(CHINESE, k=rng.randrange(1, 6))))
    space = rng.choice([" ", " ", " ", "  ", "\t", "\u3000", "\u00a0"])
    return space.join(parts) + rng.choice(["", ".", " ", "\n", "!"])


def spoiled(rng, text):
    """A copy with words lost, changed, doubled and swapped."""
    words = text.split(" ")
    out = []
    for word in words:
        draw = rng.random()
        if draw < 0.1:
            continue
        out.append(rng.choice(WORDS + ODD) if draw < 0.25 else word)
        if draw > 0.95:
            out.append(word)
    if len(out) > 3 and rng.random() < 0.5:
        i = rng.randrange(len(out) - 2)
        out[i], out[i + 1] = out[i + 1], out[i]
    return " ".join(out)


def corpus(seed, size, sets=1, longest=25):
    """(hypotheses, references): as many reference sets as wanted."""
    rng = random.Random(seed)
    first = [sentence(rng, longest) for _ in range(size)]
    hypotheses = [spoiled(rng, text) if rng.random() < 0.9 else "" for text in first]
    references = [first]
    references += [[spoiled(rng, text) for text in first] for _ in range(sets - 1)]
    return hypotheses, references
