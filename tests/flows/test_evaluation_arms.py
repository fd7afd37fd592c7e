"""What each arm shows and whom it asks, and the reports that follow from an evaluation as a job."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ted.bank.bank import Bank
from ted.chat import ScriptedChat
from ted.errors import BadInput
from ted.evaluation.options import Options
from ted.evaluation.rendering import as_html, as_markdown
from ted.evaluation.report import Report
from ted.evaluation.rows import ARMS, Arm, Row
from ted.evaluation.statistics import bootstrapped, break_even, cascade_curve, compared, figures
from ted.jobs.evaluation import EvaluationRunner
from ted.sample import Judge, Question, Sample
from ted.settings import CascadeSettings
from tests.scripted import Bench, Call, Rule, add, attempt, call_of, critique, speaking
from tests.stores import Store, added

TRAIN = [
    Sample("t-red", Question("Which code has the red door?"), "RX-1"),
    Sample("t-blue", Question("Which code has the blue door?"), "BX-2"),
]
EVAL = [
    Sample("red", Question("Which code has the red door today?"), "RX-1"),
    Sample("green", Question("Which code has the green door?"), "GX-9"),
    Sample("tea", Question("What do we drink at five?"), "tea"),
]


def student(call: Call) -> str:
    """Knows of tea unless it is shown anything, and repeats the last code that it is shown."""
    words = " ".join(message.text for message in call.request.messages)
    for code in ("RX-1", "BX-2", "ZZ-0"):
        if code in words:
            return attempt(code)
    return attempt("tea" if call.sample == "tea" else "no idea")


@dataclass(slots=True)
class Hall:
    """A bank on doors distilled from TRAIN, and one on something else."""

    store: Store
    bank: Bank
    other: Bank
    small: ScriptedChat = field(init=False)
    large: ScriptedChat = field(init=False)

    async def evaluated(
        self, *arms: Arm, rule: Rule = student, samples: list[Sample] = EVAL, **more: Any
    ) -> Report:
        answers = {sample.id: sample.answer for sample in [*EVAL, *samples]}
        self.small = speaking({"student": rule}, name="small", usd_per_token=0.001)
        said: dict[str, Rule] = {
            "teacher": lambda call: attempt(answers[call.sample]),
            "judge": '{"same": true}',
        }
        self.large = speaking(said, name="large", usd_per_token=0.1)
        runner = EvaluationRunner(
            self.bank, jobs=self.store.jobs, material=self.store.material, calls=self.store.calls
        )
        options = Options(arms, irrelevant_bank=self.other.id if "irrelevant" in arms else None, **more)
        return await runner.evaluate(
            samples, options, student=self.small, teacher=self.large, irrelevant=self.other
        )

    def prompts(self, arm: Arm, sample: str) -> list[list[str]]:
        """What the student was sent under an arm, as texts by turn."""
        return [
            [message.text for message in request.messages]
            for request in self.small.requests
            if f".{arm}:" in request.call_key and call_of(request).sample == sample
        ]


@pytest.fixture
async def hall(store: Store) -> Hall:
    bench = Bench(store, store.create("doors"), usd_per_token=0.001)
    bench.student = {"student": attempt("no idea")}
    bench.teacher = {
        "solve": lambda call: attempt({"t-red": "RX-1", "t-blue": "BX-2"}[call.sample]),
        "critique": lambda call: critique(
            add("A red door is asked about", "The red door has RX-1.")
            if call.sample == "t-red"
            else add("A blue door is asked about", "The blue door has BX-2.")
        ),
    }
    job = await bench.distil(*TRAIN)
    assert job.status == "succeeded"
    other = store.create("elsewhere")
    await added(other, "A tariff", "The tariff is ZZ-0.", "Which tariff has the old contract?")
    return Hall(store, bench.bank, other)


async def test_demos_are_turns_before_the_question_the_nearest_last(hall: Hall) -> None:
    report = await hall.evaluated("demos")

    ((system, *turns),) = hall.prompts("demos", "red")
    assert "<experiences>" not in system
    assert turns[0::2] == [TRAIN[1].question.text, TRAIN[0].question.text, EVAL[0].question.text]
    assert [json.loads(turn)["answer"] for turn in turns[1::2]] == ["BX-2", "RX-1"]
    assert report.rows[0].demonstrations == ("t-red", "t-blue")


async def test_fewer_demos_are_shown_where_fewer_are_wanted(hall: Hall) -> None:
    report = await hall.evaluated("demos", demonstrations=1)

    assert [row.demonstrations for row in report.rows[:1]] == [("t-red",)]


async def test_copy_takes_the_nearest_training_answer_and_asks_no_model(hall: Hall) -> None:
    report = await hall.evaluated("copy")

    assert [(row.sample, row.correct, row.prompt_tokens, row.cost_usd) for row in report.rows][:2] == [
        ("red", True, 0, 0.0),
        ("green", False, 0, 0.0),
    ]
    assert hall.small.requests == hall.large.requests == []


async def test_all_puts_the_whole_bank_into_the_same_system_prompt(hall: Hall) -> None:
    await hall.evaluated("all")

    (red,), (tea,) = hall.prompts("all", "red"), hall.prompts("all", "tea")
    assert red[0] == tea[0]
    assert "E1. When: A red door" in red[0]
    assert "E2. When: A blue door" in red[0]
    assert red[1] == EVAL[0].question.text


async def test_a_bank_beyond_its_capacity_is_refused_in_all_and_not_cut(store: Store, bank: Bank) -> None:
    for n in range(40):
        await added(bank, f"Case {n} " + "word " * 30, "content " * 70)
    with store.database.writing() as session:
        from ted.bank.tables import BankRow

        session.get_one(BankRow, bank.id).max_tokens = 5_000

    with pytest.raises(BadInput, match=r"40 active experiences have about .* more than the 5,000"):
        await bank.whole(Question("Which?"))


async def test_irrelevant_asks_another_bank_which_abstains(hall: Hall) -> None:
    report = await hall.evaluated("none", "irrelevant", samples=EVAL[2:])

    shown = [row for row in report.rows if row.arm == "irrelevant"]
    assert all(row.abstained and not row.experiences for row in shown)
    assert (report.comparisons[0].gained, report.comparisons[0].lost) == (0, 0)


async def test_a_cascade_keeps_every_answer_and_asks_the_teacher_in_any_case(hall: Hall) -> None:
    def unsure(call: Call) -> str:
        return attempt("tea" if call.sample == "tea" else f"guess {call.number}")

    report = await hall.evaluated("cascade", rule=unsure)

    tea = next(row for row in report.rows if row.sample == "tea")
    red = next(row for row in report.rows if row.sample == "red")
    assert tea.vote is not None
    assert red.vote is not None
    assert (tea.vote.agreement, tea.final_answer, tea.correct) == (1.0, "tea", True)
    assert (red.vote.agreement, red.final_answer, red.correct) == (pytest.approx(1 / 3), "RX-1", True)
    assert len({r.seed for r in hall.small.requests if call_of(r).sample == "red"}) == 3
    assert {r.temperature for r in hall.small.requests} == {0.7}
    assert [point.escalated for point in report.cascade][0::2] == [0.0, 1.0]


async def test_a_cascade_is_evaluated_as_the_bank_has_it(hall: Hall) -> None:
    wanted = CascadeSettings("on_disagreement", samples=4, threshold=0.5)
    hall.store.banks.change(hall.bank.id, lambda settings: replace(settings, cascade=wanted))

    report = await hall.evaluated("cascade", rule=lambda call: attempt(f"guess {call.number // 2}"))

    votes = [row.vote for row in report.rows if row.vote is not None]
    assert [len(vote.student) for vote in votes] == [4] * len(report.rows)
    assert [row.final_answer for row in report.rows] == ["guess 0"] * len(report.rows)


async def test_every_rendering_draws_accuracy_against_cost_from_never_to_always(hall: Hall) -> None:
    def unsure(call: Call) -> str:
        return attempt("tea" if call.sample == "tea" else f"guess {call.number}")

    report = await hall.evaluated("cascade", rule=unsure)
    told, page, text = report.to_json()["cascade"], as_html(report), as_markdown(report)

    shares = [point["escalated"] for point in told]
    costs = [point["cost_usd"] for point in told]
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert shares == sorted(shares)
    assert costs == sorted(costs)
    assert told[-1]["accuracy"] == 1.0
    assert page.count("<svg") >= 1
    assert "One dot a threshold of agreement" in page
    rows = text.split("## Cascade", 1)[1].split("\n## ", 1)[0].strip().splitlines()
    assert len([row for row in rows if row.startswith("| ")]) == len(told) + 1
    assert f"{told[-1]['accuracy']:.3f}" in rows[-1]


async def test_samples_that_the_bank_was_distilled_from_are_refused_by_name(hall: Hall) -> None:
    same = Sample("again", Question("  WHICH code has the red door?"), "RX-1")

    with pytest.raises(BadInput, match=r"'again' .* is training sample t-red.*--allow-overlap"):
        await hall.evaluated("none", samples=[same, EVAL[1]])

    report = await hall.evaluated("none", samples=[same, EVAL[1]], allow_overlap=True)
    assert report.about.overlap == ("again",)
    assert "were distilled into the bank" in as_markdown(report)


async def test_a_question_that_an_experience_is_found_by_is_refused_too(hall: Hall) -> None:
    runner = EvaluationRunner(
        hall.other, jobs=hall.store.jobs, material=hall.store.material, calls=hall.store.calls
    )
    same = Sample("s", Question("which tariff has the old contract?"), "ZZ-0")

    with pytest.raises(BadInput, match=r"'s' .* is a question that an experience is found by"):
        runner.create([same], Options(), student="small", teacher="large")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (Options(("irrelevant",)), "needs a bank"),
        (Options(("irrelevant",), irrelevant_bank="self"), "is the bank that is evaluated"),
        (Options(("none",), irrelevant_bank="bank_other"), "add it to the arms"),
    ],
)
def test_an_irrelevant_bank_goes_with_its_arm(options: Options, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        options.check("self")


async def test_judgements_are_in_the_ledger_and_not_in_an_arm_s_cost(hall: Hall) -> None:
    judged = Sample("doors", Question("Which door is old?"), "the green one", Judge())

    report = await hall.evaluated("none", samples=[judged])

    (row,) = report.rows
    assert row.correct
    assert [r.call_key.rsplit(":", 2)[1] for r in hall.large.requests] == ["judge"]
    assert row.cost_usd == pytest.approx(0.001 * (row.prompt_tokens + row.completion_tokens))


async def test_a_regression_tells_both_answers_and_what_was_shown(hall: Hall) -> None:
    def misled(call: Call) -> str:
        told = any("RX-1" in m.text for m in call.request.messages)
        return attempt("no idea" if told else "RX-1")

    report = await hall.evaluated("none", "retrieve", rule=misled)

    (regression,) = report.regressions
    assert (regression.arm, regression.sample) == ("retrieve", "red")
    assert (regression.answer_without, regression.answer_with) == ("RX-1", "no idea")
    assert "The red door has RX-1." in [e.content for e in regression.experiences]


async def test_every_figure_of_a_report_is_recomputed_from_the_rows_of_its_json(hall: Hall) -> None:
    report = await hall.evaluated(*ARMS)

    told = json.loads(json.dumps(report.to_json()))

    rows = [Row.from_json(kept) for kept in told["questions"]]
    assert rows == list(report.rows)
    assert [json.loads(json.dumps(_plain(figures(rows, arm)))) for arm in ARMS] == told["arms"]
    for kept in told["comparisons"]:
        again = compared(rows, kept["arm"], kept["against"])
        assert json.loads(json.dumps(_plain(again))) == kept
        outcome = {(row.arm, row.sample): row.correct for row in rows}
        differences = [
            float(outcome[kept["arm"], s.id]) - float(outcome[kept["against"], s.id]) for s in EVAL
        ]
        assert kept["difference"] == pytest.approx(sum(differences) / len(differences))
        assert list(bootstrapped(differences) or ()) == kept["interval"]
    assert _plain(break_even(rows, told["break_even"]["distillation_usd"])) == told["break_even"]
    assert [_plain(point) for point in cascade_curve(rows)] == told["cascade"]
    alone = {row.sample for row in rows if row.arm == "none" and row.correct}
    lost = {(row.arm, row.sample) for row in rows if not row.correct and row.sample in alone}
    assert {(r["arm"], r["sample"]) for r in told["regressions"]} == lost


async def test_what_distilling_cost_is_from_the_ledger(hall: Hall) -> None:
    report = await hall.evaluated("retrieve", "teacher")

    (job,) = [job for job in hall.store.jobs.all() if job.kind == "distillation"]
    assert report.break_even.distillation_usd == pytest.approx(hall.store.calls.spent(job.id).cost_usd)
    assert report.break_even.requests is not None


async def test_a_page_quotes_models_and_runs_nothing_of_theirs(hall: Hall) -> None:
    evil = "<script>alert(1)</script> | **x**"
    sample = Sample("evil", Question(f"Which code has the red door {evil}?"), "RX-1")

    def rule(call: Call) -> str:
        return attempt(evil if any("RX-1" in m.text for m in call.request.messages) else "RX-1")

    report = await hall.evaluated("none", "retrieve", samples=[sample], rule=rule)
    page, text = as_html(report), as_markdown(report)

    assert len(report.regressions) == 1
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "http" not in page
    assert page.count("<svg") == 3
    assert "<script" not in text.replace(r"\<script", "")
    assert r"\*\*x\*\*" in text


def _plain(value: Any) -> Any:
    from dataclasses import asdict

    return json.loads(json.dumps(asdict(value)))
