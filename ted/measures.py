"""What a process of TED measures of itself while it runs. What the store knows is not counted here again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ted.answer import Answer
from ted.chat import Reply
from ted.metrics import Counter, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
SIMILARITIES = tuple(n / 10 for n in range(-5, 11))


class Measures:
    """Counts from the start of the process; one of them a process. Thread-safe."""

    def __init__(self) -> None:
        self._requests = Counter(
            "ted_http_requests_total", "Requests answered.", ("method", "route", "status")
        )
        self._seconds = Histogram(
            "ted_http_request_seconds", "Until a response was sent.", SECONDS, ("method", "route")
        )
        self._stages = Histogram(
            "ted_answer_stage_seconds", "Latency of answers by stage.", SECONDS, ("stage",)
        )
        self._retrievals = Counter(
            "ted_retrievals_total", "Answers with a bank: found something, or abstained.", ("outcome",)
        )
        self._cascades = Counter(
            "ted_cascades_total", "Answers of cascades: the student agreed, or it escalated.", ("outcome",)
        )
        self._similarity = Histogram(
            "ted_retrieval_similarity", "Fused similarity of the nearest experience.", SIMILARITIES
        )
        self._calls = Counter("ted_model_calls_total", "Calls of models.", ("role", "model", "outcome"))
        self._tokens = Counter("ted_tokens_total", "Tokens of answered calls.", ("role", "model", "kind"))
        self._cost = Counter(
            "ted_cost_usd_total", "US dollars, of calls whose price is known.", ("role", "model")
        )
        self._unpriced = Counter(
            "ted_unpriced_calls_total", "Answered calls whose price is not known.", ("role", "model")
        )

    def requested(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered; `route` is the template of its path."""
        self._requests.add(method, route, str(status))
        self._seconds.observe(seconds, method, route)

    def answered(self, answer: Answer) -> None:
        """An answer was kept."""
        latency = answer.latency
        for stage, milliseconds in (
            ("embed", latency.embed),
            ("retrieve", latency.retrieve),
            ("model", latency.model),
            ("total", latency.total),
        ):
            self._stages.observe(milliseconds / 1e3, stage)
        if answer.cascaded is not None:
            self._cascades.add("escalated" if answer.escalated else "agreed")
        if answer.mode == "retrieve":
            self._retrievals.add("abstained" if answer.retrieval.abstained else "found")
            if answer.retrieval.best_similarity is not None:
                self._similarity.observe(answer.retrieval.best_similarity)

    def called(self, role: str, model: str, reply: Reply | None) -> None:
        """A model was called; None: it failed."""
        role = role.partition(".")[0]  # asked again because a reply did not parse: the same role
        self._calls.add(role, model, "failed" if reply is None else "ok")
        if reply is None:
            return
        self._tokens.add(role, model, "prompt", by=reply.usage.prompt_tokens)
        self._tokens.add(role, model, "completion", by=reply.usage.completion_tokens)
        if reply.usage.cost_usd is None:
            self._unpriced.add(role, model)
        else:
            self._cost.add(role, model, by=reply.usage.cost_usd)

    def lines(self) -> Iterator[str]:
        """All of it, in Prometheus' text format."""
        return chain.from_iterable(measure.lines() for measure in vars(self).values())
