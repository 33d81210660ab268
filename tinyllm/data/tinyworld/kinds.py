"""What can happen: every kind of event, its English and Chinese words, and what it leads to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from tinyllm.data.tinyworld.pieces import Piece, piece


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of event.

    past:       English past forms that mean the same, one drawn
    participle: after "had"
    name:       what it is called here
    base_verb:  after "did"
    takes:      what follows the verb: a_thing, the_thing, person, food … ("" for nothing)
    chinese:    patterns a translation may follow; {o} the object, {q} a person, {t} a topic
    mood:       how it leaves people: good, bad or ""
    leads_to:   (name of the kind, who does it: self or other, weight)
    root:       its weight where a sentence begins with it, 0 for what only follows
    """

    name: str
    past: tuple[Piece, ...]
    participle: Piece
    base_verb: str
    takes: str
    chinese: tuple[str, ...]
    mood: str = ""
    leads_to: tuple[tuple[str, str, float], ...] = ()
    root: float = 0.0

    def __reduce__(self):  # a story that was pickled is about these kinds, not about copies
        return _kind_named, (self.name,)


_TAGS = {
    **dict.fromkeys(["to", "for", "with", "at", "in", "about", "by"], "ADP"),
    **dict.fromkeys(["a", "the", "some"], "DET"),
    **dict.fromkeys(["ill", "lost", "hurt", "wet"], "ADJ"),
    **dict.fromkeys(["down", "away", "home"], "ADV"),
    **dict.fromkeys(
        [
            "song",
            "prize",
            "race",
            "exam",
            "bus",
            "cold",
            "walk",
            "medicine",
            "way",
            "chess",
            "help",
            "job",
        ],
        "NOUN",
    ),
}


def verb(phrase: str) -> Piece:
    """Mark a verb phrase: the first word is the verb."""
    first, *rest = phrase.split()
    said = [f"{first}/{'AUX' if first == 'was' else 'VERB'}"]  # "was happy": a copula
    for before, word in pairwise([first, *rest]):
        tag = "NOUN" if (before, word) == ("at", "home") else _TAGS[word]
        said.append(f"{word}/{tag}")
    return piece(" ".join(said))


KINDS: dict[str, Kind] = {}


def _kind_named(name: str) -> Kind:
    return KINDS[name]


def _kind(forms: str, takes: str, chinese: str, mood: str = "", leads_to: str = "", root=1.0):
    """Add a kind: forms is "past, past … | participle | base", the base being its name."""
    pasts, participle, base = (part.strip() for part in forms.split("|"))
    effects = []
    for effect in leads_to.split():
        name, who, weight = effect.split(":")
        effects.append((name.replace("_", " "), who, float(weight)))
    KINDS[base] = Kind(
        base,
        tuple(verb(past.strip()) for past in pasts.split(",")),
        verb(participle),
        base,
        takes,
        tuple(chinese.split()),
        mood,
        tuple(effects),
        root,
    )


# Things
_kind(
    "bought, purchased | bought | buy",
    "a_thing",
    "买了{o} 购买了{o}",
    "good",
    "feel:self:2 show:self:1 smile:self:1",
    root=3,
)
_kind(
    "found, discovered | found | find",
    "a_thing",
    "找到了{o} 发现了{o} 捡到了{o}",
    "good",
    "feel:self:2 give:self:2 keep:self:1 smile:self:1",
    root=3,
)
_kind(
    "lost | lost | lose",
    "a_thing",
    "弄丢了{o} 丢了{o}",
    "bad",
    "feel:self:2 look_for:self:2 replace:self:1 cry:self:1",
    root=3,
)
_kind(
    "broke | broken | break",
    "a_thing",
    "弄坏了{o} 损坏了{o}",
    "bad",
    "feel:self:2 repair:self:2 replace:self:1 cry:self:1",
    root=3,
)
_kind("sold | sold | sell", "a_thing", "卖了{o} 卖掉了{o}", "", "celebrate:self:1")
_kind("drew, sketched | drawn | draw", "a_thing", "画了{o}", "", "show:self:1")
_kind(
    "stole | stolen | steal", "a_thing", "偷了{o} 偷走了{o}", "", "escape:self:2 disappear:self:1"
)
_kind("cleaned | cleaned | clean", "a_thing", "清洁了{o} 清洗了{o} 擦了{o}", "", "rest:self:1")
_kind("hid | hidden | hide", "a_thing", "藏了{o} 藏起了{o}")
_kind("rented | rented | rent", "a_thing", "租了{o}")
_kind("borrowed | borrowed | borrow", "a_thing", "借了{o}", "", "return:self:1")
# Food, animals, plants, what one reads and plays
_kind("ate | eaten | eat", "food", "吃了{o}", "good", "feel:self:1 smile:self:1", root=3)
_kind(
    "cooked, prepared | cooked | cook",
    "dish",
    "做了{o} 烹制了{o} 准备了{o}",
    "",
    "share:self:1",
    root=2,
)
_kind(
    "saw, noticed | seen | see",
    "an_animal",
    "看见了{o} 看到了{o}",
    "",
    "photograph:self:2 escape:self:1",
    root=3,
)
_kind("fed | fed | feed", "an_animal", "喂了{o}")
_kind(
    "caught | caught | catch",
    "an_animal",
    "捉住了{o} 抓到了{o} 抓住了{o}",
    "good",
    "feel:self:1 keep:self:1 release:self:1",
)
_kind("planted | planted | plant", "a_plant", "种了{o} 种下了{o}", "", "water:self:1", root=2)
_kind("read | read | read", "a_reading", "读了{o} 看了{o}", "", "learn_about:self:1", root=2)
_kind("wrote | written | write", "a_reading", "写了{o}", "", "show:self:1", root=2)
_kind("played | played | play", "the_instrument", "{v}了{o}", root=2)
_kind("studied | studied | study", "topic", "学习了{o} 学了{o}", root=2)
# People
_kind(
    "met | met | meet",
    "person",
    "遇见了{q} 遇到了{q} 见到了{q}",
    "good",
    "feel:self:1 talk_with:self:3 hug:self:1 greet:self:1",
    root=4,
)
_kind(
    "helped | helped | help",
    "person",
    "帮助了{q} 帮了{q}",
    "good",
    "thank:other:3 feel:other:1 smile:other:1",
    root=3,
)
_kind(
    "visited | visited | visit", "person", "拜访了{q} 看望了{q}", "good", "feel:other:1 hug:other:1"
)
_kind("phoned | phoned | phone", "person", "给{q}打了电话")
_kind("invited | invited | invite", "person", "邀请了{q}", "good", "thank:other:1 feel:other:1")
_kind(
    "praised | praised | praise",
    "person",
    "表扬了{q} 称赞了{q}",
    "good",
    "smile:other:1 thank:other:1 feel:other:2",
)
_kind(
    "scolded | scolded | scold",
    "person",
    "责备了{q} 责骂了{q} 骂了{q}",
    "bad",
    "cry:other:1 feel:other:2 apologise_to:other:1",
)
_kind(
    "cheated | cheated | cheat", "person", "欺骗了{q} 骗了{q}", "bad", "feel:other:2 leave:other:1"
)
_kind(
    "rescued, saved | rescued | rescue",
    "person",
    "救了{q}",
    "good",
    "thank:other:2 hug:other:1 feel:other:1",
)
_kind(
    "argued with | argued with | argue with",
    "person",
    "和{q}吵了架 跟{q}吵了架",
    "bad",
    "feel:self:2 apologise_to:self:1 leave:self:1",
)
_kind(
    "laughed at | laughed at | laugh at", "person", "嘲笑了{q}", "bad", "cry:other:1 feel:other:2"
)
_kind("waited for | waited for | wait for", "person", "等了{q}一会儿 等了一会儿{q} 等了{q}")
# Places
_kind("went to | gone to | go to", "the_place", "去了{o}", "", root=2)
_kind("walked to | walked to | walk to", "the_place", "走到了{o} 步行去了{o} 走路去了{o}")
_kind("ran to | run to | run to", "the_place", "跑到了{o} 跑去了{o}")
_kind("travelled to | travelled to | travel to", "city", "去了{o}旅行 到{o}旅行了 去{o}旅行了")
# What one does alone
_kind("danced | danced | dance", "", "跳了舞 跳舞了")
_kind("swam | swum | swim", "", "游了泳 游泳了")
_kind("sang a song | sung a song | sing a song", "", "唱了一首歌 唱了首歌", "", "smile:self:1")
_kind("took a walk | taken a walk | take a walk", "", "散了步 散步了", "", "rest:self:1")
_kind("exercised | exercised | exercise", "", "锻炼了身体 锻炼了", "", "rest:self:1")
_kind("fished | fished | fish", "", "钓了鱼 钓鱼了")
_kind(
    "won a prize | won a prize | win a prize",
    "",
    "得了奖 获了奖 得奖了 获奖了",
    "good",
    "feel:self:2 celebrate:self:2 smile:self:1",
)
_kind(
    "passed the exam | passed the exam | pass the exam",
    "",
    "通过了考试 考试及格了",
    "good",
    "feel:self:2 celebrate:self:2",
)
_kind(
    "failed the exam | failed the exam | fail the exam",
    "",
    "没通过考试 考试不及格 没有通过考试",
    "bad",
    "feel:self:2 cry:self:1",
)
_kind(
    "got a job | got a job | get a job",
    "",
    "找到了工作 得到了一份工作 找到了一份工作",
    "good",
    "feel:self:1 celebrate:self:1",
)
_kind(
    "fell ill | fallen ill | fall ill",
    "",
    "生病了 病了 生了病",
    "bad",
    "feel:self:1 rest:self:1 take_some_medicine:self:2 lie_down:self:1",
)
_kind("fell down | fallen down | fall down", "", "摔倒了 跌倒了", "bad", "feel:self:1 cry:self:2")
_kind(
    "got lost | got lost | get lost", "", "迷路了 迷了路", "bad", "feel:self:1 ask_the_way:self:2"
)
_kind(
    "missed the bus | missed the bus | miss the bus",
    "",
    "没赶上公交车 错过了公交车",
    "bad",
    "feel:self:1 walk_home:self:2",
)
# What only follows from something
_kind("was, felt | been | feel", "mood", "很{o} 感到很{o} 感到{o} 觉得很{o}", root=0)
_kind("stayed at home | stayed at home | stay at home", "", "待在家里 留在家里 待在家里了", root=0)
_kind("went home | gone home | go home", "", "回家了 回了家", root=0)
_kind("got wet | got wet | get wet", "", "淋湿了 被淋湿了", root=0)
_kind("looked for | looked for | look for", "the_thing", "找了{o} 寻找了{o} 去找{o}", root=0)
_kind("repaired, mended | repaired | repair", "the_thing", "修好了{o} 修理了{o}", root=0)
_kind("replaced | replaced | replace", "the_thing", "换了{o} 更换了{o}", root=0)
_kind("kept | kept | keep", "the_thing", "留下了{o} 留着{o}", root=0)
_kind("released | released | release", "the_thing", "放走了{o} 放了{o}", root=0)
_kind("returned | returned | return", "the_thing", "还了{o} 归还了{o}", root=0)
_kind("watered | watered | water", "the_thing", "给{o}浇了水 浇了{o}", root=0)
_kind("photographed | photographed | photograph", "the_thing", "给{o}拍了照 拍了{o}", root=0)
_kind(
    "gave | given | give",
    "the_thing_person",
    "把{o}给了{q} 把{o}送给了{q}",
    "good",
    "thank:other:2 feel:other:1 smile:other:1",
    root=0,
)
_kind("showed | shown | show", "the_thing_person", "给{q}看了{o} 把{o}给{q}看了", root=0)
_kind(
    "shared | shared | share",
    "the_food_person",
    "和{q}分享了{o} 跟{q}分享了{o} 与{q}分享了{o}",
    "good",
    "thank:other:2 feel:other:1",
    root=0,
)
_kind(
    "talked with | talked with | talk with",
    "person_topic",
    "和{q}谈了{t} 跟{q}谈了{t} 和{q}聊了{t} 跟{q}聊了{t}",
    root=0,
)
_kind("learned about | learned about | learn about", "topic", "了解了{o}", root=0)
_kind("thanked | thanked | thank", "person", "感谢了{q} 谢了{q} 向{q}道了谢", root=0)
_kind("hugged, embraced | hugged | hug", "person", "拥抱了{q} 抱了{q}", root=0)
_kind("greeted | greeted | greet", "person", "问候了{q} 和{q}打了招呼 跟{q}打了招呼", root=0)
_kind("apologised to | apologised to | apologise to", "person", "向{q}道了歉 向{q}道歉了", root=0)
_kind("smiled | smiled | smile", "", "笑了 微笑了", root=0)
_kind("cried, wept | cried | cry", "", "哭了", root=0)
_kind("celebrated | celebrated | celebrate", "", "庆祝了 庆祝了一番", root=0)
_kind("rested | rested | rest", "", "休息了 休息了一会儿", root=0)
_kind("left | left | leave", "", "离开了 走了", root=0)
_kind("escaped | escaped | escape", "", "逃走了 跑掉了 逃跑了", root=0)
_kind("disappeared | disappeared | disappear", "", "消失了 不见了", root=0)
_kind(
    "took some medicine | taken some medicine | take some medicine",
    "",
    "吃了药 吃了一些药 服了药",
    root=0,
)
_kind("lay down | lain down | lie down", "", "躺下了", root=0)
_kind("asked the way | asked the way | ask the way", "", "问了路 问路了", root=0)
_kind("walked home | walked home | walk home", "", "走回了家 走路回家了 步行回家了", root=0)
# The weather: nobody does it
for _past, _participle, _base, _zh in (
    ("rained", "rained", "rain", "下雨了 下了雨"),
    ("snowed", "snowed", "snow", "下雪了 下了雪"),
    ("hailed", "hailed", "hail", "下冰雹了 下了冰雹"),
    ("thundered", "thundered", "thunder", "打雷了 打了雷"),
):
    _kind(
        f"{_past} | {_participle} | {_base}",
        "weather",
        _zh,
        "bad",
        "stay_at_home:self:2 go_home:self:1 get_wet:self:1 feel:self:1",
    )

WEATHER = tuple(kind for kind in KINDS.values() if kind.takes == "weather")
ROOTS = tuple(kind for kind in KINDS.values() if kind.root and kind.takes != "weather")
NEEDS_CAUSE = (KINDS["feel"], KINDS["stay at home"])
# Kinds that may be kept apart for some names: those that no other place in the grammar offers.
CAUSES = tuple(k for k in KINDS.values() if any(e[0] == "feel" and e[2] for e in k.leads_to))
HOLDABLE = tuple(kind for kind in ROOTS if kind not in CAUSES)
