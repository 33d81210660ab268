from tinyllm.training.display import Display, harmless, readable_seconds


def test_nothing_is_shown_when_not_wanted(capsys):
    display = Display(False)
    display.say("a sentence")
    with display.bar("training", 3) as bar:
        bar.update()
        bar.set_postfix_str("x")
    display.show_picture(b"")
    assert capsys.readouterr() == ("", "")


def test_sentences_without_bars_where_there_is_no_screen(capsys):
    display = Display(None)
    display.say("a sentence")
    with display.bar("training", 3) as bar:
        bar.update()
    assert capsys.readouterr() == ("a sentence\n", "")


def test_bars_when_wanted(capsys):
    with Display(True).bar("training", 3, done=1) as bar:
        bar.set_postfix_str("loss 1.000", refresh=False)
        bar.update(2)
    err = capsys.readouterr().err
    assert "training 100%" in err
    assert "loss 1.000" in err


def test_control_characters_do_nothing_to_a_terminal(capsys):
    assert harmless("a\x1b[2Jb\x07\r\n\tc\x9b\x7f") == "a�[2Jb��\n\tc��"
    Display(True).say("\x1b[31mred")
    assert "\x1b" not in capsys.readouterr().out


def test_readable_seconds():
    assert readable_seconds(3.21) == "3.2 s"
    assert readable_seconds(59) == "59 s"
    assert readable_seconds(75.2) == "1 min 15 s"
    assert readable_seconds(3 * 3600 + 119.7) == "3 h 2 min"
