"""The scoring loop: new samples of each equipment model, all its assets at once, become alarms.

Alarms, carried state and watermarks are written in one transaction, so scoring can stop anywhere
and go on; what was seen once has no effect a second time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import structlog
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from foundation.clock import Clock, from_ms, stopwatch_s, to_ms
from foundation.database import Database
from foundation.errors import Unavailable
from foundation.identity.scope import Scope
from telemetry.alarms.lifecycle import clear_alarm, raise_alarm
from telemetry.alarms.models import Alarm
from telemetry.detectors.carried import CarriedState
from telemetry.detectors.contract import Detection, detect
from telemetry.detectors.limits import LimitDetector
from telemetry.detectors.transitions import Transition
from telemetry.latest import Latest
from telemetry.regimes import Regime, keep_regime
from telemetry.scoring_state import ScoringState
from telemetry.sources import last_catalogue_change
from telemetry.store.contract import Samples, Store
from telemetry.training import NORMAL_PERIOD, NormalPeriodPlan, Trainer
from telemetry.watches import Watch, WatchedModel, read_watched_models

_log = structlog.get_logger(__name__)

CHUNK_MS = 6 * 3600 * 1000
ALARM_LATE_S = 3600.0
_REFRESH_S = 2.0
_EVIDENCE_BEFORE_MS = 30 * 60 * 1000
_METRICS_NAMED = 6
# The normal-period model looks this often within its window, not at every reading.
_TURNS_IN_WINDOW = 30


@dataclass(slots=True)
class _Progress:
    """How far an asset was scored, and what each of its conditions carries over."""

    scored_until_ms: int
    carried: dict[str, dict[str, Any]] = field(default_factory=dict)

    def as_row(self, asset_id: int) -> dict[str, Any]:
        return {
            "asset_id": asset_id,
            "scored_until_ms": self.scored_until_ms,
            "carried": self.carried,
        }


@dataclass(frozen=True, slots=True)
class _Found:
    """What one watch found in one turn; `entries` is what each asset carries on."""

    watch: Watch
    detection: Detection
    entries: dict[int, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", self.detection.carried.to_json())


@dataclass(frozen=True, slots=True)
class _Look:
    """What some watches must see in one turn: of these assets the samples of the regime."""

    watches: Sequence[Watch]
    assets: Sequence[int]
    carried: Mapping[str, CarriedState]
    regime: Regime

    @property
    def begin_ms(self) -> int:
        """The oldest sample that any of the watches may need."""
        oldest_ms = min(int(each.seen_ms.min()) for each in self.carried.values())
        return max(oldest_ms - max(each.detector.lookback_ms for each in self.watches), 0)

    @property
    def metrics(self) -> set[str]:
        judged = {name for watch in self.watches for name in watch.detector.metrics}
        return judged | set(self.regime)

    def find(self, samples: Samples) -> list[_Found]:
        """What the watches find in samples that may be of more assets and of a longer time."""
        wanted = samples.at_ms >= self.begin_ms
        wanted &= np.isin(samples.asset, np.array(self.assets, dtype=np.uint32))
        wanted &= ~np.all([np.isnan(samples.values[name]) for name in self.metrics], axis=0)
        own = keep_regime(samples.choose(wanted, self.metrics), self.regime)
        return [
            _Found(watch, detect(watch.detector, own, self.carried[watch.condition]))
            for watch in self.watches
        ]


class Scoring:
    """Scores what is new; one thread of one process.

    `alarm_late_s`: samples older than this, by the clock, complete the record but raise nothing.
    """

    def __init__(
        self,
        database: Database,
        store: Store,
        latest: Latest,
        clock: Clock,
        *,
        alarm_late_s: float = ALARM_LATE_S,
    ) -> None:
        self._database = database
        self._store = store
        self._latest = latest
        self._clock = clock
        self._alarm_late_ms = int(alarm_late_s * 1000)
        self._trainer = Trainer(database, store, clock)
        self._models: list[WatchedModel] = []
        self._progress: dict[int, _Progress] = {}
        self._catalogue = -1
        self._refreshed_s = float("-inf")
        self._seen_version = -1
        self.turn_s = 0.0

    def wait_and_step(self, timeout_s: float) -> int:
        """Waits for new readings, at most `timeout_s`, and scores them."""
        self._seen_version = self._latest.wait(self._seen_version, timeout_s)
        return self.step()

    def step(self) -> int:
        """Scores all that is new; returns how many alarms were raised or cleared.

        Raises:
            Unavailable: when a database is away; the next step begins where this one did.
        """
        begun_s = stopwatch_s()
        self._refresh()
        changed = 0
        for model in self._models:
            while (found := self._score_chunk(model)) is not None:
                changed += found
        self.turn_s = stopwatch_s() - begun_s
        return changed

    def is_idle(self) -> bool:
        """Whether everything that was heard has been scored."""
        heard = self._latest.at_ms([each for model in self._models for each in model.asset_ids])
        return all(self._progress_of(each).scored_until_ms >= at for each, at in heard.items())

    def _refresh(self) -> None:
        now_s = stopwatch_s()
        if now_s - self._refreshed_s < _REFRESH_S and self._models:
            self._rearm()
            return
        with self._database.session(Scope.system("scoring")) as session:
            change = last_catalogue_change(session)
            if change != self._catalogue:
                self._models = read_watched_models(session)
                self._trainer.load(session)
                self._load_progress(session)
                self._catalogue = change
        self._refreshed_s = now_s
        self._rearm()

    def _load_progress(self, session: Session) -> None:
        for row in session.scalars(select(ScoringState)):
            progress = _Progress(row.scored_until_ms, dict(row.carried))
            self._progress.setdefault(row.asset_id, progress)

    def _progress_of(self, asset_id: int) -> _Progress:
        return self._progress.get(asset_id) or _Progress(-1)

    def _score_chunk(self, model: WatchedModel) -> int | None:
        due, end_ms = self._find_due(model)
        if not due:
            return None
        try:
            looks = self._plan_look(list(model.limits), list(due))
            looks += self._plan_normal(model, due, end_ms)
            return self._save(due, end_ms, self._find(model, looks, end_ms))
        except (Unavailable, IntegrityError) as error:
            # What is held here may be ahead of the tables: read it anew.
            self._progress.clear()
            self._catalogue = -1
            self._refreshed_s = float("-inf")
            if isinstance(error, Unavailable):
                raise
            _log.warning("another process scored the same samples", model=model.key)
            raise Unavailable("Another process scored the same samples.") from error

    def _find_due(self, model: WatchedModel) -> tuple[dict[int, int], int]:
        """Assets with unscored samples and their newest times, and the end of this chunk."""
        heard = self._latest.at_ms(model.asset_ids)
        floor_ms = self._floor_ms()
        begin = {
            asset_id: max(self._progress_of(asset_id).scored_until_ms, floor_ms)
            for asset_id, at_ms in heard.items()
            if at_ms > self._progress_of(asset_id).scored_until_ms
        }
        if not begin:
            return {}, 0
        end_ms = min(min(begin.values()) + CHUNK_MS, max(heard.values()) + 1)
        return {each: heard[each] for each, at_ms in begin.items() if at_ms < end_ms}, end_ms

    def _floor_ms(self) -> int:
        return to_ms(self._clock.now()) - self._alarm_late_ms

    def _plan_normal(
        self, model: WatchedModel, due: Mapping[int, int], end_ms: int
    ) -> list[_Look]:
        plan = model.normal_period
        if plan is None:
            return []
        self._trainer.train_due(model.key, plan, due, model.interval_s)
        detector = self._trainer.detector(model.key, model.asset_ids, plan)
        if detector is None:
            return []
        watch = Watch(NORMAL_PERIOD, plan.severity, detector)
        pause_ms = plan.settings.window_ms // _TURNS_IN_WINDOW
        ready = [
            asset_id
            for asset_id, newest_ms in due.items()
            if (since_ms := self._seen_ms(watch, asset_id, plan)) is not None
            and min(newest_ms, end_ms) - since_ms >= pause_ms
        ]
        return self._plan_look([watch], ready, plan)

    def _plan_look(
        self, watches: Sequence[Watch], assets: Sequence[int], plan: NormalPeriodPlan | None = None
    ) -> list[_Look]:
        if not watches or not assets:
            return []
        carried = {watch.condition: self._carried(watch, assets, plan) for watch in watches}
        return [_Look(watches, sorted(assets), carried, {} if plan is None else plan.regime)]

    def _find(self, model: WatchedModel, looks: Sequence[_Look], end_ms: int) -> list[_Found]:
        """What all looks find, with one reading of the store."""
        if not looks:
            return []
        assets = sorted({asset for look in looks for asset in look.assets})
        samples = self._store.read(
            model.key,
            # As a rule all have reported, and then the store need not look which.
            assets=None if len(assets) == len(model.asset_ids) else assets,
            metrics=sorted({name for look in looks for name in look.metrics}),
            start_ms=min(look.begin_ms for look in looks),
            end_ms=end_ms,
        )
        return [each for look in looks for each in look.find(samples)]

    def _carried(
        self, watch: Watch, assets: Iterable[int], plan: NormalPeriodPlan | None
    ) -> CarriedState:
        entries = {}
        for asset_id in assets:
            known = self._progress_of(asset_id).carried.get(watch.condition, {})
            seen_ms = self._seen_ms(watch, asset_id, plan)
            assert seen_ms is not None
            entries[asset_id] = {**known, "seen_ms": seen_ms}
        return CarriedState.from_json(entries)

    def _seen_ms(self, watch: Watch, asset_id: int, plan: NormalPeriodPlan | None) -> int | None:
        """The newest time that had its effect on a condition; None where nothing was learned.

        A condition that is new begins where the asset was scored to, or its normal period ended.
        """
        progress = self._progress_of(asset_id)
        seen_ms = progress.carried.get(watch.condition, {}).get("seen_ms")
        begin_ms = progress.scored_until_ms
        if plan is not None:
            fit = self._trainer.find_fit(asset_id, plan)
            if fit is None:
                return None
            begin_ms = fit.trained_until_ms
        return max(begin_ms if seen_ms is None else int(seen_ms), self._floor_ms())

    def _save(self, due: Mapping[int, int], end_ms: int, found: Sequence[_Found]) -> int:
        after = {each: self._advanced(each, due[each], end_ms, found) for each in due}
        changed = 0
        with self._database.transaction(Scope.system("scoring")) as session:
            for each in found:
                for transition in each.detection.transitions:
                    changed += 1
                    _apply(session, each, transition)
            self._write(session, after)
        self._progress.update(after)
        return changed

    def _write(self, session: Session, after: Mapping[int, _Progress]) -> None:
        """Many small rows at each step: as statements, without an object for each."""
        known = [after[each].as_row(each) for each in after if each in self._progress]
        new = [after[each].as_row(each) for each in after if each not in self._progress]
        for statement, rows in ((update(ScoringState), known), (insert(ScoringState), new)):
            if rows:
                session.execute(statement, rows)

    def _advanced(
        self, asset_id: int, newest_ms: int, end_ms: int, found: Sequence[_Found]
    ) -> _Progress:
        progress = self._progress_of(asset_id)
        carried = dict(progress.carried)
        for each in found:
            entry = each.entries.get(asset_id)
            if entry is not None:
                carried[each.watch.condition] = entry
        # In a gap there is no sample up to the end of the chunk: the watermark passes over it.
        until_ms = max(min(newest_ms, end_ms - 1), progress.scored_until_ms)
        return _Progress(until_ms, carried)

    def _rearm(self) -> None:
        with self._database.session(Scope.system("scoring")) as session:
            query = select(Alarm.id, Alarm.asset_id, Alarm.condition)
            rows = session.execute(query.where(Alarm.is_rearm_due)).all()
        if not rows:
            return
        with self._database.transaction(Scope.system("scoring")) as session:
            for alarm_id, asset_id, condition in rows:
                self._forget(session, asset_id, condition)
                done = update(Alarm).where(Alarm.id == alarm_id).values(is_rearm_due=False)
                session.execute(done)

    def _forget(self, session: Session, asset_id: int, condition: str) -> None:
        row = session.get(ScoringState, asset_id)
        if row is None or condition not in row.carried:
            return
        state = CarriedState.from_json({asset_id: row.carried[condition]}).rearmed([asset_id])
        row.carried = {**row.carried, condition: state.to_json()[asset_id]}
        self._progress[asset_id] = _Progress(row.scored_until_ms, dict(row.carried))


def _apply(session: Session, found: _Found, transition: Transition) -> None:
    watch, at = found.watch, from_ms(transition.at_ms)
    if not transition.is_raise:
        clear_alarm(session, asset_id=transition.asset, condition=watch.condition, at=at)
        return
    raise_alarm(
        session,
        asset_id=transition.asset,
        condition=watch.condition,
        detector=watch.detector.name,
        severity=watch.severity,
        started_at=from_ms(transition.started_at_ms),
        raised_at=at,
        evidence=_evidence(found, transition),
    )


def _evidence(found: _Found, transition: Transition) -> dict[str, Any]:
    watch, scores = found.watch, found.detection.scores
    shares = list(scores.shares(transition.row).items())[:_METRICS_NAMED]
    total = sum(share for _, share in shares) or 1.0
    is_limit = isinstance(watch.detector, LimitDetector)
    crossing = watch.detector.crossing
    return {
        "detector": watch.detector.name,
        "top_metric": shares[0][0],
        "metrics": [{"metric": name, "share": share / total} for name, share in shares],
        "value": transition.value if is_limit else None,
        "threshold": crossing.threshold if is_limit else None,
        "unit": watch.unit,
        "direction": crossing.direction.value if is_limit else None,
        "score": float(scores.score[transition.row]),
        "from_ms": transition.started_at_ms - _EVIDENCE_BEFORE_MS,
        "to_ms": transition.at_ms,
    }
