"""Pictures that several threads bring at about the same time go to the model as one batch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import supervision as sv

from libs.common.errors import EngineError
from libs.common.logging import get_logger
from services.detector.engines.base import Engine, EngineWrapper, Picture

_log = get_logger("batching")


@dataclass(eq=False, slots=True)
class _Call:
    """One picture of one caller: waiting, then in the batch that runs, then done."""

    picture: Picture
    confidence: float
    came_at_s: float
    found: sv.Detections | None = None
    problem: EngineError | None = None
    is_done: bool = False

    @property
    def kind(self) -> tuple[float, float]:
        """What pictures of one batch have in common: the least confidence, and the shape (width over height).

        A model that spares pictures their grey bars can do so only where all have one shape; else boxes would move by
        some pixels with who else is in the batch.
        """
        height, width = self.picture.shape[:2]
        return self.confidence, round(width / height, 2)

    def answer(self) -> sv.Detections:
        if self.problem is not None:
            raise self.problem
        if self.found is None:
            raise EngineError("the thread that ran the batch failed")
        return self.found


class BatchingEngine(EngineWrapper):
    """An engine that merges calls of one picture each; a call of several is a batch already and passes through.

    There is no thread of its own. One of the callers leads: it waits until there are enough pictures, or until the
    first has waited long enough, runs the batch, and hands out what was found. One batch runs at a time, and those
    that come meanwhile make the next one: where the model is busy, batches form without anybody waiting for them.
    """

    def __init__(self, engine: Engine, wait_s: float, callers: Callable[[], int]) -> None:
        """Wrap an engine.

        Args:
            engine: runs the batches, of at most its `batch_max` pictures.
            wait_s: how long at most the first picture waits for more while nothing runs; 0: not at all.
            callers: how many pictures can come at the same time, as things are; nobody waits for more than that. Called
                from any thread.
        """
        super().__init__(engine)
        self._wait_s = wait_s
        self._callers = callers
        self._lock = threading.Lock()
        self._came = threading.Condition(self._lock)
        self._settled = threading.Condition(self._lock)
        self._waiting: list[_Call] = []  # at most one for each thread that calls
        self._is_led = False
        self._batches_fail = False

    @property
    def waiting(self) -> int:
        """Pictures that are in no batch yet."""
        return len(self._waiting)

    def detect(self, pictures: Sequence[Picture], confidence: float) -> list[sv.Detections]:
        """Find the vehicles in each picture; see `Engine.detect`.

        Where a batch fails its pictures are run one by one, so that only those fail that the model cannot take.
        """
        if len(pictures) != 1:
            return self._engine.detect(pictures, confidence)
        mine = _Call(pictures[0], confidence, time.monotonic())
        with self._lock:
            self._waiting.append(mine)
            self._came.notify()
        try:
            while self._must_lead(mine):
                self._lead()
        except BaseException:
            with self._lock:
                if mine in self._waiting:
                    self._waiting.remove(mine)
            raise
        return [mine.answer()]

    def _must_lead(self, mine: _Call) -> bool:
        """Wait until a call is done, which is False, or nobody leads: then this thread does."""
        with self._lock:
            self._settled.wait_for(lambda: mine.is_done or not self._is_led)
            if mine.is_done:
                return False
            self._is_led = True
            return True

    def _lead(self) -> None:
        """Gather one batch and run it; however that ends, its callers go on and the next one can lead."""
        batch: list[_Call] = []
        try:
            with self._lock:
                batch = self._gather()
            self._run(batch)
        finally:
            with self._lock:
                for call in batch:
                    call.is_done = True
                self._is_led = False
                self._settled.notify_all()

    def _gather(self) -> list[_Call]:
        """Take the next batch: the picture that came first, and others that go with it; the lock is held."""
        enough = min(self._engine.batch_max, self._callers())
        patience_s = self._waiting[0].came_at_s + self._wait_s - time.monotonic()
        self._came.wait_for(lambda: len(self._waiting) >= enough, max(0.0, patience_s))
        kind = self._waiting[0].kind
        batch = [call for call in self._waiting if call.kind == kind][: self._engine.batch_max]
        self._waiting = [call for call in self._waiting if call not in batch]
        return batch

    def _run(self, batch: Sequence[_Call]) -> None:
        try:
            found = self._engine.detect([call.picture for call in batch], batch[0].confidence)
        except EngineError as error:
            if len(batch) == 1:
                batch[0].problem = error
                return
            if not self._batches_fail:
                _log.warning("a batch failed; running its pictures one by one", pictures=len(batch), error=str(error))
            self._batches_fail = True
            for call in batch:
                self._run([call])
            return
        if len(batch) > 1:
            self._batches_fail = False
        for call, one in zip(batch, found, strict=True):
            call.found = one
