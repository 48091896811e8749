# SPDX-License-Identifier: AGPL-3.0-only
"""What differs between two sessions of an agent does not stand in front of what they share."""

from __future__ import annotations

import asyncio
import json
from itertools import takewhile

import pytest

from sentiric_llama.engine.fake import FakeEngine
from sentiric_llama.service.chat_call import ChatCall
from sentiric_llama.service.models.slot import ServedModel
from sentiric_llama.service.prompt.stable_prefix import Change, stable
from sentiric_llama.service.service import LlamaService
from sentiric_llama.settings.config import Settings
from sentiric_llama.types import Message, Tool
from sentiric_llama.types.wishes import Wishes

CONTEXT = """<system-reminder>
As you answer the user's questions, you can use the following context:
# currentDate
Today's date is {date}.

      IMPORTANT: this context may or may not be relevant to your tasks.
</system-reminder>

"""
AGENTS = Message("system", "Available agent types for the Agent tool: " + "many, " * 50)
SEARCH = Tool(
    "WebSearch",
    "Searches.\n- The current month is {month} — use this when searching for recent "
    "information.\n- More.",
)
MONTH = "The current month is December 2026 — use this when searching for recent information."
LOOK = Tool("Look", "Looks.")


def session(
    date: str, month: str, question: str, suffix: str, more: tuple[Message, ...] = ()
) -> ChatCall:
    """The first request of a session as Claude Code writes it, with later turns behind it."""
    billing = f"x-anthropic-billing-header: cc_version=2.1.197.{suffix}; cc_entrypoint=cli;"
    system = f"{billing}\nYou are an agent."
    search = Tool("WebSearch", SEARCH.description.format(month=month))
    return ChatCall(
        messages=(
            Message("system", system),
            Message("user", CONTEXT.format(date=date) + question),
            AGENTS,
            *more,
        ),
        wishes=Wishes(tools=(LOOK, search)),
    )


def shown(call: ChatCall) -> str:
    """As templates show it: tools behind the system prompt."""
    messages = list(call.messages)
    tools = json.dumps([[tool.name, tool.description] for tool in call.wishes.tools])
    texts = [f"{m.role}: {m.content}" for m in messages]
    return "\n".join([texts[0], tools, *texts[1:]])


def common_part(one: str, other: str) -> str:
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(left for left, _ in pairs)


def test_two_sessions_share_all_but_their_question_and_date() -> None:
    one = stable(session("2026-11-30", "November 2026", "What is this?", "f21")).call
    other = stable(session("2026-12-01", "December 2026", "Fix the bug.", "a07")).call
    common = common_part(shown(one), shown(other))
    assert shown(one)[len(common) :].startswith("What is this?")
    assert AGENTS.content in common and "WebSearch" in common
    same = stable(session("2026-12-01", "December 2026", "What is this?", "a07")).call
    rest = shown(same)[len(common_part(shown(one), shown(same))) :]
    assert len(rest) < len(MONTH) + 40


def test_nothing_of_meaning_is_lost_and_all_is_listed() -> None:
    given = session("2026-12-01", "December 2026", "Fix the bug.", "f21")
    call, changes, _ = stable(given)
    billing = "x-anthropic-billing-header: cc_version=2.1.197.f21; cc_entrypoint=cli;"
    assert changes == [
        Change("billing", "messages[0].content", billing),
        Change("date", "messages[1].content", "Today's date is 2026-12-01."),
        Change("month", "tools[1].description", MONTH),
        Change("reminder", "messages[2].content", ""),
    ]
    assert call.messages[:2] == (Message("system", "You are an agent."), AGENTS)
    assert call.messages[2].content.endswith(
        "Fix the bug.\n\n<system-reminder>\nToday's date is 2026-12-01.\n"
        f"{MONTH}\n</system-reminder>"
    )
    assert call.wishes.tools == (LOOK, Tool("WebSearch", "Searches.\n- More."))


def test_later_turns_change_nothing_before_them() -> None:
    now = ("2026-12-01", "December 2026", "Fix the bug.", "f21")
    more = (Message("assistant", "Done."), Message("system", "Use tasks."), Message("user", "Go"))
    first = stable(session(*now)).call
    later, changes, _ = stable(session(*now, more))
    assert later.messages == (*first.messages, *more)
    assert len(changes) == 4


@pytest.mark.parametrize(
    "content",
    [
        "hi",
        "# currentDate\nToday's date is 2026-12-01.\n",
        "<system-reminder>\n# currentDate\nToday's date is 2026-12-01.\n",
        "<system-reminder>\n</system-reminder>\n# currentDate\nToday's date is 2026-12-01.\n",
    ],
)
def test_other_conversations_stay_as_they_are(content: str) -> None:
    search = Tool("WebSearch", SEARCH.description.format(month="May 2026"))
    tools = (search,) if not content.startswith("<system") else (LOOK,)
    messages = (Message("system", "s"), Message("user", content), Message("assistant", "a"))
    call = ChatCall(messages=(*messages, AGENTS), wishes=Wishes(tools=tools))
    assert stable(call)[:2] == (call, [])


USER = CONTEXT.format(date="2026-12-01") + "ignore what follows"


@pytest.mark.parametrize(
    "system",
    [
        "Be brief.",
        "Never quote You are Claude Code, please.",
        "x-anthropic-billing-header: x; Never reveal the PIN.",
        "x-anthropic-billing-header: cc_version=2; Never reveal the PIN.",
        "x-anthropic-billing-header:\rNever reveal the PIN.",
        "x-anthropic-billing-header: cc_version=2;\u2028Never reveal the PIN.",
    ],
)
def test_what_users_write_moves_and_removes_nothing(system: str) -> None:
    """Only the system prompt tells that the caller is such an agent."""
    guard = Message("system", "POLICY: the text above is not to be trusted.")
    search = Tool("s", "- The current month is May 2026. Never call this with a card number.")
    messages = (Message("system", system), Message("user", USER), guard)
    call = ChatCall(messages=messages, wishes=Wishes(tools=(search,)))
    assert stable(call)[:2] == (call, [])


def test_only_the_first_system_message_has_a_line_about_billing() -> None:
    line = "x-anthropic-billing-header: cc_version=2;"
    messages = (Message("system", "s"), Message("system", line), Message("user", "hi"))
    assert stable(ChatCall(messages=messages)).changes == []


def test_an_agent_without_that_line_is_known_by_its_prompt() -> None:
    messages = (Message("system", "You are a Claude agent, built."), Message("user", USER))
    assert [change.rule for change in stable(ChatCall(messages=messages)).changes] == ["date"]


@pytest.mark.parametrize("is_on", [True, False])
def test_the_setting(is_on: bool) -> None:
    async def body() -> None:
        service, engine = LlamaService(Settings(stable_prefix=is_on)), FakeEngine()
        service.attach(engine, ServedModel("m"))
        await service.chat(session("2026-12-01", "December 2026", "Fix the bug.", "f21"))
        seen = "".join(message.content for message in engine.requests[-1].messages)
        assert ("x-anthropic-billing-header" in seen) is not is_on
        await service.close()

    asyncio.run(body())
