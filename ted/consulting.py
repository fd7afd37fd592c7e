"""A question put to the teacher alone, so that its answer stands beside the student's; charged, and kept as no answer."""

from __future__ import annotations

from dataclasses import dataclass

from ted.bank.calls import CallStore, Owner
from ted.chat import ChatModel, ChatRequest, Message, Reply
from ted.errors import BadInput, UnparsableOutput
from ted.ledger import Ledger
from ted.profile import Profile
from ted.prompts.outputs import AttemptOutput
from ted.prompts.parsing import parsed_attempt
from ted.prompts.teacher import solve_messages
from ted.sample import Question


@dataclass(frozen=True, slots=True)
class Consulted:
    """What the teacher was sent and said; `final_answer` is the whole text where no answer could be read out of it."""

    messages: tuple[Message, ...]
    reply: Reply
    final_answer: str


async def consult(
    question: Question, *, teacher: ChatModel, profile: Profile, calls: CallStore, owner: Owner
) -> Consulted:
    """The teacher's solution at temperature 0, as in a distillation. Its call is the owner's, in the ledger."""
    if not question.text.strip():
        raise BadInput("the question is empty: send a text that is not blank")
    messages = solve_messages(question, profile.form)
    request = ChatRequest(
        f"{owner.id}:0:0:solve:0",
        messages,
        max_tokens=profile.solve_tokens,
        schema=AttemptOutput.schema_sent() if profile.form == "chain" else None,
    )
    reply = await Ledger(calls, owner).around(teacher).complete(request)
    try:
        return Consulted(messages, reply, parsed_attempt(reply.text, profile.form).final_answer)
    except UnparsableOutput:
        return Consulted(messages, reply, reply.text.strip())
