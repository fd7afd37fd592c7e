"""The only file that names concrete classes: from settings to an open store, embedders, models and banks."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import assert_never

from pydantic import SecretStr

from index.embedders.hashing import HashingEmbedder
from index.embedders.onnx_sentence import OnnxSentenceEmbedder
from index.embedders.sentence import PACKAGED, packaged_folder
from index.faiss_index import FaissIndex
from index.protocols import ImageEmbedder, TextEmbedder
from migrations.upgrade import upgrade
from ted.bank.accounts import KeyAccounts
from ted.bank.answers import AnswerStore
from ted.bank.bank import Bank
from ted.bank.banks import BankSettings, BankStore
from ted.bank.caller import DEFAULT_CALLER, Caller
from ted.bank.calls import CallStore
from ted.bank.database import Database
from ted.bank.feedback import FeedbackStore
from ted.bank.jobs import JobStore
from ted.bank.keys import KeyStore
from ted.bank.material import MaterialStore
from ted.bank.projects import ProjectStore
from ted.bank.quarantine import QuarantineStore
from ted.completion import CompletionModel
from ted.draining import Drain
from ted.errors import BadSetting
from ted.images import ImageLimits
from ted.jobs.distillation import FLOW_VERSION
from ted.jobs.durable import DurableWorker
from ted.jobs.places import OwnFolder, Place, SharedDatabase
from ted.jobs.run import run_job
from ted.jobs.worker import InProcessWorker, JobWorker
from ted.litellm_chat import LitellmChat
from ted.litellm_completions import LitellmCompletions
from ted.local_models.catalogue import local_model
from ted.local_models.chat import LocalChat
from ted.local_models.completions import LocalCompletions
from ted.local_models.server import ServerOptions
from ted.measures import Measures
from ted.settings import Settings
from ted.trace_export import begin_export, flush
from ted.web_images import ImageReader, WebLimits

Chat = LitellmChat | LocalChat

DEFAULT_TEXT_EMBEDDER = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass(slots=True)
class Ted:
    """One open installation of TED, as one caller has it: what is not the caller's is not there. Close it when done.

    `of` gives it as another caller has it; all share the database, the embedders and the banks that are open.
    """

    settings: Settings
    database: Database
    text_embedder: TextEmbedder
    image_embedder: ImageEmbedder | None
    drain: Drain
    measures: Measures
    accounts: KeyAccounts
    caller: Caller = DEFAULT_CALLER
    banks: BankStore = field(init=False)
    jobs: JobStore = field(init=False)
    material: MaterialStore = field(init=False)
    calls: CallStore = field(init=False)
    answers: AnswerStore = field(init=False)
    feedback: FeedbackStore = field(init=False)
    quarantine: QuarantineStore = field(init=False)
    _open: dict[str, Bank] = field(default_factory=dict)
    _opening: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        database, caller = self.database, self.caller
        self.banks = BankStore(database, caller)
        self.jobs = JobStore(database, caller)
        self.material = MaterialStore(database)
        self.calls = CallStore(database, on_call=self.measures.called, accounts=self.accounts)
        self.answers = AnswerStore(database, caller, on_keep=self.measures.answered)
        self.feedback = FeedbackStore(database, caller, trusted=self.settings.trust_feedback)
        self.quarantine = QuarantineStore(database, caller)

    def of(self, caller: Caller) -> Ted:
        """The same installation, as this caller has it."""
        return replace(self, caller=caller)

    @property
    def everybodys_jobs(self) -> JobStore:
        """The jobs of all projects, for those who run them."""
        return JobStore(self.database, None)

    async def run_job(self, job_id: str) -> None:
        """Runs a job of any project, as ted/jobs/run does: with what is there for its project."""
        job = await asyncio.to_thread(self.everybodys_jobs.get, job_id)
        await run_job(self.of(Caller(job.project_id)), job_id)

    def create_bank(self, name: str, settings: BankSettings | None = None) -> Bank:
        """A new bank for this installation's embedders."""
        image = self.image_embedder.fingerprint if self.image_embedder else None
        bank_id = self.banks.create(
            name,
            text_fingerprint=self.text_embedder.fingerprint,
            image_fingerprint=image,
            settings=settings,
        )
        return self.bank(bank_id)

    def bank(self, name: str) -> Bank:
        """The bank of this name or id, opened once. Raises NotFound, StoreMismatch."""
        bank_id = self.banks.find(name)
        with self._opening:
            if bank_id not in self._open:
                self._open[bank_id] = Bank(
                    bank_id,
                    database=self.database,
                    text_embedder=self.text_embedder,
                    image_embedder=self.image_embedder,
                    new_index=FaissIndex,
                )
            return self._open[bank_id]

    def opened_banks(self) -> list[Bank]:
        """The banks that are open in this process."""
        with self._opening:
            return list(self._open.values())

    def delete_bank(self, name: str) -> None:
        """The bank with everything in it, and its vectors here. Raises NotFound, Conflict while a job of it runs."""
        bank_id = self.banks.find(name)
        self.banks.delete(bank_id, even_while_running=False)
        with self._opening:
            self._open.pop(bank_id, None)

    def student(self, name: str | None = None) -> Chat:
        """The model of this name, or the configured student; either with the student's address and key."""
        s = self.settings
        return self._model(name or s.student, s.student_api_base, s.student_api_key)

    @property
    def has_teacher(self) -> bool:
        """Whether one is configured: TED_TEACHER may be blank, so that nothing escalates."""
        return bool(self.settings.teacher.strip())

    def teacher(self, name: str | None = None) -> Chat:
        """The model of this name, or the configured teacher; either with the teacher's address and key. Raises BadSetting
        where there is none."""
        s = self.settings
        if not (name or s.teacher).strip():
            raise BadSetting("no teacher is configured: set TED_TEACHER, or name one")
        return self._model(name or s.teacher, s.teacher_api_base, s.teacher_api_key)

    def image_reader(self) -> ImageReader:
        """For the images that one request names by URL."""
        return ImageReader(ImageLimits(), WebLimits.of(self.settings))

    def judge(self, name: str | None = None) -> Chat | None:
        """The model of this name, or the configured judge, with the judge's address and key; None: the teacher judges."""
        s = self.settings
        named = name or s.judge
        return self._model(named, s.judge_api_base, s.judge_api_key) if named else None

    def _model(self, name: str, api_base: str | None, api_key: SecretStr | None) -> Chat:
        if name.startswith("local/"):
            model = local_model(name.removeprefix("local/"))
            options = ServerOptions(threads=self.settings.local_threads, context=model.context)
            return LocalChat(model, models_dir=self.settings.models_dir, options=options)
        return LitellmChat(
            name,
            api_base=api_base,
            api_key=api_key.get_secret_value() if api_key else None,
            concurrency=self.settings.concurrency,
            timeout=self.settings.timeout,
        )

    def completions(self, chat: Chat) -> CompletionModel:
        """The same model as OpenAI's clients ask it; the two share what they have."""
        match chat:
            case LitellmChat():
                return LitellmCompletions(chat.calls)
            case LocalChat():
                return LocalCompletions(chat)
            case _:
                assert_never(chat)

    def close(self) -> None:
        """Gives the store back, and sends what is left of traces."""
        self.database.close()
        flush()


def open_ted(settings: Settings, *, drain: Drain | None = None, measures: Measures | None = None) -> Ted:
    """Opens the store, making it if it is not there, and names the embedders; models load at first use."""
    measures = measures or Measures()
    if settings.traces:
        begin_export()
    WebLimits.of(settings)  # what cannot be used is told now, not by the first image
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.store_url)
    upgrade(database.engine)
    ProjectStore(database).ensure_default()
    return Ted(
        settings,
        database,
        text_embedder(settings),
        image_embedder(settings),
        drain or Drain(),
        measures,
        KeyAccounts(database),
    )


def make_first_key(settings: Settings) -> str | None:
    """The secret of an administrator's key, where this store has never had a key; it is told this once."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.store_url)
    try:
        upgrade(database.engine)
        ProjectStore(database).ensure_default()
        return KeyStore(database, None).make_first()
    finally:
        database.close()


def in_process_worker(ted: Ted) -> JobWorker:
    """Jobs in a thread of this process; what it leaves is taken up from the store."""
    return InProcessWorker(ted.run_job, jobs=ted.everybodys_jobs)


def durable_worker(ted: Ted) -> JobWorker:
    """Jobs on DBOS, by the one worker of the data directory, or those of all servers of a PostgreSQL."""
    settings = ted.settings
    place: Place = OwnFolder(settings.data_dir)
    if ted.database.is_shared:
        place = SharedDatabase(ted.database, name=settings.replica_name, lease_seconds=settings.lease_seconds)
    return DurableWorker(ted.run_job, place=place, flow_version=str(FLOW_VERSION))


def text_embedder(settings: Settings) -> TextEmbedder:
    """`hashing`, a sentence-transformers name or folder; all-MiniLM-L6-v2 is the packaged one where it is installed."""
    name = settings.text_embedder
    if name == "hashing":
        return HashingEmbedder()
    if name == DEFAULT_TEXT_EMBEDDER and packaged_folder() is not None:
        name = PACKAGED
    return OnnxSentenceEmbedder(name, exports=settings.exports_dir, threads=settings.threads)


def image_embedder(settings: Settings) -> ImageEmbedder | None:
    """An open_clip model: `ViT-B-32/laion2b_s34b_b79k`, or `local-dir:<folder>`; None is none."""
    name = settings.image_embedder
    if name is None:
        return None
    from index.embedders.onnx_clip import OnnxClipEmbedder

    model, pretrained = name, None
    if name.startswith("local-dir:"):
        model = f"local-dir:{Path(name.removeprefix('local-dir:')).resolve()}"
    elif not name.startswith("hf-hub:"):
        model, _, tag = name.partition("/")
        pretrained = tag or None
    return OnnxClipEmbedder(model, pretrained, exports=settings.exports_dir, threads=settings.threads)
