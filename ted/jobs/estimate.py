"""What a distillation or an evaluation would ask and cost, before it is begun: a bound, and what is to be expected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from ted.asking import MENDS
from ted.bank.bank import Bank
from ted.chat import ChatModel
from ted.compression.settings import CompressionSettings
from ted.evaluation.options import Options as Evaluating
from ted.evaluation.options import check_labelled
from ted.evaluation.rows import Arm
from ted.gate.trying import AT_ONCE, LATER_ROUNDS, most_pairs
from ted.grading.grading import JUDGE_TOKENS
from ted.jobs.distillation import Options
from ted.profile import PROFILES, Profile
from ted.sample import Judge, Sample
from ted.settings import Budget
from ted.tokens import IMAGE_TOKENS

OPERATIONS, MENDS_OF_ONE = 2, 2
FRAME = 5_000
"""Bytes of a template with its markers and of the schema that is sent with it; the longest have 2.2 and 2 kB."""

WRITTEN = 0.25
"""Expected of a completion, as a share of what it may have."""

ASSUMED = (
    "No sample is right from the start; the teacher solves each at its first try, agrees with itself where there is no "
    "reference, and mends every second one; every "
    "reply parses; a gate is clear after half of its pairs; completions have a quarter of the tokens they may have; a "
    "compression asks about two clusters."
)


ASSUMED_OF_ANSWERS = "Completions have a quarter of the tokens they may have."


@dataclass(frozen=True, slots=True)
class Amount:
    """Calls, tokens and US dollars; `cost_usd` is None where a price is not known."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = 0.0

    def plus(self, other: Amount) -> Amount:
        known = self.cost_usd is not None and other.cost_usd is not None
        return Amount(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            (self.cost_usd or 0.0) + (other.cost_usd or 0.0) if known else None,
        )

    def fits(self, budget: Budget) -> bool | None:
        """Whether it is within the budget; None where that depends on a price that is not known."""
        tokens = self.prompt_tokens + self.completion_tokens
        if budget.calls is not None and self.calls > budget.calls:
            return False
        if budget.tokens is not None and tokens > budget.tokens:
            return False
        if budget.usd is None:
            return True
        return None if self.cost_usd is None else self.cost_usd <= budget.usd


@dataclass(frozen=True, slots=True)
class RoleEstimate:
    """What is asked of a model in one role."""

    role: str
    model: str
    expected: Amount
    upper: Amount


@dataclass(frozen=True, slots=True)
class Estimate:
    """By role, and in all; what was assumed for what is expected."""

    items: int
    roles: tuple[RoleEstimate, ...]
    assumed: str = ASSUMED

    @property
    def expected(self) -> Amount:
        return _sum(role.expected for role in self.roles)

    @property
    def upper(self) -> Amount:
        return _sum(role.upper for role in self.roles)


@dataclass(frozen=True, slots=True)
class _Ask:
    """Calls of one role: expected and at most; what is in a prompt for certain and what may be in it besides, in bytes;

    its images; the tokens of a completion at most.
    """

    role: str
    expected: float
    most: int
    certain: int
    besides: int
    images: int
    completion: int


def estimate_distillation(
    bank: Bank,
    samples: Sequence[Sample],
    options: Options,
    *,
    student: ChatModel,
    teacher: ChatModel,
    judge: ChatModel | None = None,
) -> Estimate:
    """From the samples, the options and the bank's bounds alone: nothing is asked, and nothing is written.

    A prompt has at most as many tokens as bytes, and is expected to have a quarter of that.
    """
    profile = options.form
    by_role: defaultdict[str, list[_Ask]] = defaultdict(list)
    for sample in samples:
        for ask in _of_sample(sample, bank, options, profile):
            by_role[ask.role] += [ask] * options.epochs
        for ask in _of_votes(sample, profile) if sample.unlabelled else ():
            by_role[ask.role].append(ask)  # later epochs find them in the ledger
    for ask in _of_compressions(bank, len(samples), options, profile):
        by_role[ask.role].append(ask)
    others: dict[str, ChatModel] = {"student": student, "gate": student, "judge": judge or teacher}
    models = {role: others.get(role, teacher) for role in by_role}
    roles = (
        RoleEstimate(role, models[role].name, _expected(asks, models[role]), _upper(asks, models[role]))
        for role, asks in by_role.items()
    )
    return Estimate(len(samples) * options.epochs, tuple(role for role in roles if role.upper.calls))


def estimate_evaluation(
    bank: Bank,
    samples: Sequence[Sample],
    options: Evaluating,
    *,
    student: ChatModel,
    teacher: ChatModel,
    judge: ChatModel | None = None,
) -> Estimate:
    """The same for an evaluation: every question once under every arm (in a cascade as often as the bank's has it, and
    the teacher in any case), and no reply but a judge's is asked for again. Raises BadInput for unlabelled samples.
    """
    check_labelled(samples)
    chosen = tuple(dict.fromkeys(options.arms))
    models = {"student": student, "teacher": teacher, "judge": judge or teacher}
    roles: list[RoleEstimate] = []
    for role, model in models.items():
        asks = [
            ask
            for arm in chosen
            for sample in samples
            for ask in _of_arm(arm, sample, bank, PROFILES[options.profile])
            if ask.role == role
        ]
        if asks:
            upper = _upper(asks, model, mends=MENDS if role == "judge" else 0)
            roles.append(RoleEstimate(role, model.name, _expected(asks, model), upper))
    return Estimate(len(samples) * len(chosen), tuple(roles), ASSUMED_OF_ANSWERS)


def _of_arm(arm: Arm, sample: Sample, bank: Bank, profile: Profile) -> Iterator[_Ask]:
    settings, text = bank.record.retrieval, FRAME + len(sample.question.text.encode())
    images, most = len(sample.question.images), profile.attempt_tokens
    advice = 4 * (bank.record.max_tokens if arm == "all" else settings.token_budget)
    times = bank.record.cascade.samples if arm == "cascade" else 1
    if arm not in ("copy", "teacher"):
        besides = 0 if arm == "none" else advice
        drawn = images * (1 + settings.k) if arm == "demos" else images
        yield _Ask("student", times, times, text, besides, drawn, most)
    if arm in ("teacher", "cascade"):
        yield _Ask("teacher", 1, 1, text, 0, images, most)
    if isinstance(sample.grader, Judge):
        judged = times + (arm == "cascade")
        yield _Ask("judge", judged, judged, text + len(sample.answer.encode()), 4 * most, 0, JUDGE_TOKENS)


def _of_sample(sample: Sample, bank: Bank, options: Options, profile: Profile) -> Iterator[_Ask]:
    asked, images = len(sample.question.text.encode()), len(sample.question.images)
    answer = 4 * profile.solve_tokens if sample.unlabelled else len(sample.answer.encode())
    known, advice = asked + answer, 4 * bank.record.retrieval.token_budget
    times = options.trajectories or profile.trajectories
    attempt, solve, critique = profile.attempt_tokens, profile.solve_tokens, profile.critique_tokens
    traces = 4 * (times * attempt + solve)
    operations = 1 if profile.form == "short" else OPERATIONS
    yield _Ask("student", times, times, FRAME + asked, advice, images, attempt)
    labelled = not sample.unlabelled
    if labelled:
        yield _Ask("solve", min(1, profile.solves), profile.solves, FRAME + asked, 0, images, solve)
        explained = int(profile.explains)
        yield _Ask("explain", explained * (not profile.solves), explained, FRAME + known, 0, images, solve)
    yield _Ask("compress", 0, times + 1, FRAME, 4 * max(attempt, solve), 0, critique)
    yield _Ask("critique", 1, 1, FRAME + known, advice + traces, images, critique)
    judged = judged_most = labelled * profile.solves + times
    if options.gate != "none" and (labelled or options.gate != "sample"):
        pairs = most_pairs(options.gate)
        gates, again = operations * pairs, labelled * LATER_ROUNDS * AT_ONCE
        calls = 2 * (gates + again), 2 * ceil(pairs / 2)
        yield _Ask("gate", calls[1], calls[0], FRAME + asked, advice, images, attempt)
        judged, judged_most = judged + calls[1], judged_most + calls[0]
    if isinstance(sample.grader, Judge):
        yield _Ask("judge", judged, judged_most, FRAME + known, 4 * attempt, 0, JUDGE_TOKENS)
    yield _Ask("mend", 0.5, operations * MENDS_OF_ONE, FRAME + known, 4 * critique, images, critique)


def _of_votes(sample: Sample, profile: Profile) -> Iterator[_Ask]:
    """What stands in for a reference: solutions that know nothing of each other, and a judge of each two of them."""
    asked, images, answer = (
        len(sample.question.text.encode()),
        len(sample.question.images),
        4 * profile.solve_tokens,
    )
    times = profile.votes - bool(sample.answer.strip())
    yield _Ask("solve", times, times, FRAME + asked, 0, images, profile.solve_tokens)
    if isinstance(sample.grader, Judge):
        pairs = profile.votes * (profile.votes - 1) // 2
        yield _Ask("judge", pairs, pairs, FRAME + asked, 2 * answer, 0, JUDGE_TOKENS)


def _of_compressions(bank: Bank, samples: int, options: Options, profile: Profile) -> Iterator[_Ask]:
    """At most after every batch, since a bank may be beyond its bound; then at most a question an experience."""
    batches = ceil(samples / options.batch_size) * options.epochs
    regular = batches // options.compress_every if options.compress_every else 0
    experiences = bank.record.max_experiences + OPERATIONS * options.batch_size
    shown = 4 * profile.critique_tokens * CompressionSettings().cluster_size
    yield _Ask("merge", 2 * regular, batches * experiences, FRAME, shown, 0, profile.critique_tokens)


def _expected(asks: Sequence[_Ask], model: ChatModel) -> Amount:
    prompt = sum(
        a.expected * ((a.certain + WRITTEN * a.besides) / 4 + a.images * IMAGE_TOKENS / 2) for a in asks
    )
    completion = ceil(sum(a.expected * a.completion * WRITTEN for a in asks))
    calls = ceil(sum(a.expected for a in asks))
    return Amount(calls, ceil(prompt), completion, model.price(ceil(prompt), completion))


def _upper(asks: Sequence[_Ask], model: ChatModel, *, mends: int = MENDS) -> Amount:
    """Each call may be made `mends` times more, with the reply before it and what was wrong with it in the prompt."""
    first = sum(a.most * (a.certain + a.besides + a.images * IMAGE_TOKENS) for a in asks)
    again = sum(a.most * mends * (4 * a.completion + FRAME) for a in asks)
    calls = sum(a.most for a in asks) * (1 + mends)
    completion = sum(a.most * a.completion for a in asks) * (1 + mends)
    prompt = first * (1 + mends) + again
    return Amount(calls, prompt, completion, model.price(prompt, completion))


def _sum(amounts: Iterator[Amount]) -> Amount:
    total = Amount()
    for amount in amounts:
        total = total.plus(amount)
    return total
