"""Outside text never becomes a mention, a link or markup, in whatever is drawn."""

import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import CodeType, FrameType
from typing import Any, get_type_hints

import pytest

from bot import views as package
from bot.views import blocks, history_file
from bot.views.blocks import Message, View
from bot.views.wording import escape, said
from services.phrases import person, quoted
from tests.bot.histories import histories
from tests.bot.samples import OLIVIA, OUTSIDERS, TYPICAL, outsiders
from tests.bot.surfaces import homes, messages, views
from tests.bot.test_views import CONTROL, ESCAPED_TEXT, OURS, marked_up
from tests.sandbox.slack.linter import lint_message, lint_view

NOT_DRAWN_ALONE = {blocks.modal}
"""Parts of views; those that are whole ones are driven."""
MARKUP = re.compile(
    r"\*(bold|a )|_(it|b)_|~struck~|`+(code|block)|(?m:^\s*(>|&gt;))|:(boom|\+1|fire):"
)
LINK = re.compile(r"://evil|<mailto")


def drawn() -> Iterator[tuple[str, Message | View]]:
    """Everything that is drawn, by name, from each kind of outside text."""
    for kind, text in OUTSIDERS.items():
        sample = outsiders(text)
        for name, message in messages(sample).items():
            yield f"{kind}: {name}", message
        for name, view in {**views(sample), **homes(sample)}.items():
            yield f"{kind}: {name}", view


DRAWN = dict(drawn())


def parts_of(one: Message | View) -> Any:  # noqa: ANN401 - any part of a payload
    return one.blocks if isinstance(one, Message) else one


def texts(one: Message | View) -> Iterator[str]:
    if isinstance(one, Message):
        yield one.text
    yield from marked_up(parts_of(one))


def public_views() -> Iterator[Callable[..., object]]:
    """Every public function of the views that makes a message or a view."""
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for name, function in vars(import_module(module.name)).items():
            own = inspect.isfunction(function) and function.__module__ == module.name
            if own and not name.startswith("_"):
                made = get_type_hints(function).get("return")
                if made in (Message, View) and function not in BLOCKS:
                    yield function


BLOCKS = {function for _, function in inspect.getmembers(blocks, inspect.isfunction)}


def test_every_view_is_driven_by_every_kind_of_outside_text() -> None:
    called: set[CodeType] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            called.add(frame.f_code)

    sample = outsiders("*bold*")
    sys.setprofile(note)
    try:
        messages(sample)
        views(sample)
        homes(sample)
        histories(sample)
    finally:
        sys.setprofile(None)
    everything = list(public_views())
    assert len(everything) > 40
    missing = [f.__qualname__ for f in everything if f.__code__ not in called]
    assert missing == []


@pytest.mark.parametrize("name", DRAWN)
def test_slack_takes_it(name: str) -> None:
    one = DRAWN[name]
    if isinstance(one, Message):
        assert lint_message(one.blocks) == []
        assert 0 < len(one.text) <= ESCAPED_TEXT
    else:
        assert lint_view(one, one["type"]) == []


def test_nothing_drawn_holds_a_mention_a_link_or_markup_of_outsiders() -> None:
    for name, one in DRAWN.items():
        for text in texts(one):
            assert "<" not in OURS.sub("", text), (name, text)
            assert LINK.search(text) is None, (name, text)
            assert MARKUP.search(text) is None or not name.startswith(
                ("markup", "quote", "emoji")
            ), (name, MARKUP.search(text), text)


def test_nothing_drawn_holds_an_unseen_character_of_outsiders() -> None:
    for name, one in DRAWN.items():
        for text in texts(one):
            assert CONTROL.search(text) is None, (name, text)


def test_every_text_with_markup_is_taken_as_it_is_written() -> None:
    def objects(value: object) -> Iterator[dict[str, object]]:
        if isinstance(value, list):
            for item in value:
                yield from objects(item)
        elif isinstance(value, dict):
            if value.get("type") == "mrkdwn":
                yield value
            for inner in value.values():
                yield from objects(inner)

    for name, one in DRAWN.items():
        assert all(text["verbatim"] is True for text in objects(parts_of(one))), name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("HQ *new*", "HQ ∗new∗"),  # noqa: RUF001 - that they look alike is the point
        ("it_admin@schools.example", "it_admin@schools.example"),
        ("2*3*4 and a_b_c", "2*3*4 and a_b_c"),
        ("at 09:30:15", "at 09:30:15"),
        ("> so", "› so"),  # noqa: RUF001 - as above
        ("a > b", "a &gt; b"),
        ("https://x.example", "https∶//x.example"),  # noqa: RUF001 - as above
    ],
)
def test_what_would_be_markup_looks_the_same_and_is_none(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_a_sentence_keeps_its_own_markup_and_loses_that_of_what_it_quotes() -> None:
    sentence = f"{quoted('*HQ* ” *x*')}: press *Renew*, {person(OLIVIA)}."
    assert said(sentence) == '“∗HQ∗ " ∗x∗”: press *Renew*, <@U0OLIVIA>.'  # noqa: RUF001 - as above


@pytest.mark.parametrize("text", OUTSIDERS.values(), ids=OUTSIDERS.keys())
def test_no_file_is_named_by_outsiders_beyond_letters_and_digits(text: str) -> None:
    sample = outsiders(text)
    assert re.fullmatch(r"history(-[A-Za-z0-9-]+)?\.csv", history_file.file_name(sample.token))
    comment = history_file.comment(sample.token, 1, 2)
    assert "<" not in OURS.sub("", comment)
    assert MARKUP.search(comment) is None or text == TYPICAL.typed
