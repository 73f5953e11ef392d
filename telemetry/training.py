"""Fits the normal-period model to each asset whose normal period is over, and keeps the fits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from devices.equipment_models import EquipmentModel
from foundation.changes import announce
from foundation.clock import Clock
from foundation.database import Database
from foundation.errors import Invalid
from foundation.identity.scope import Scope
from telemetry.alarms.models import Severity
from telemetry.detectors.normal_fitting import fit_normal_period
from telemetry.detectors.normal_period import NormalModel, NormalPeriodDetector
from telemetry.detectors.normal_settings import NormalPeriodSettings
from telemetry.regimes import Regime, keep_regime, read_regime
from telemetry.scoring_state import FittedModel
from telemetry.store.contract import Store

# How often in the time of a whole normal period it is tried whether it is complete.
_LOOKS_AT_MOST = 40
_log = structlog.get_logger(__name__)

NORMAL_PERIOD = "normal_period"
# Beside the settings of the detector itself, a definition's section may hold these.
_OWN_KEYS = ("metrics", "severity", "when")
_KINDS: Mapping[str, tuple[type, str]] = {
    "metrics": (list, "a list of metrics"),
    "when": (dict, "a table of metrics and their bounds"),
    "normal_readings": (int, "a whole number"),
}


@dataclass(frozen=True, slots=True)
class NormalPeriodPlan:
    """What an equipment model's definition wants of the detector."""

    settings: NormalPeriodSettings
    metrics: tuple[str, ...]
    severity: Severity
    regime: Regime
    # Asked for every asset at every step of scoring.
    _described: dict[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        described = {
            "settings": self.settings.to_json(),
            "metrics": sorted(self.metrics),
            "when": {metric: list(bounds) for metric, bounds in self.regime.items()},
        }
        object.__setattr__(self, "_described", described)

    @property
    def metrics_to_read(self) -> list[str]:
        """The metrics that are judged and those that tell the regime."""
        return sorted({*self.metrics, *self.regime})

    def to_json(self) -> dict[str, Any]:
        """All that decides what is learned; how bad a departure is does not."""
        return self._described


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model, the time up to which its asset was presumed normal, and by which plan."""

    model: NormalModel
    trained_until_ms: int
    plan: dict[str, Any]


def check_normal_period(section: Mapping[str, Any]) -> None:
    """Refuses a definition's section that the detector cannot use.

    Raises:
        Invalid: naming the field.
    """
    _read_section(section, interval_s=1.0, metrics=())


def read_plan(model: EquipmentModel) -> NormalPeriodPlan | None:
    """What the equipment model wants; None when it does not use the detector.

    Times that the definition leaves out fit the model's reporting interval.
    """
    if model.normal_period is None:
        return None
    interval_s = min((metric.interval_s for metric in model.metrics), default=60.0)
    metrics = tuple(metric.name for metric in model.metrics)
    return _read_section(model.normal_period, interval_s=interval_s, metrics=metrics)


def _read_section(
    section: Mapping[str, Any], *, interval_s: float, metrics: tuple[str, ...]
) -> NormalPeriodPlan:
    for key, (kind, described) in _KINDS.items():
        if key in section and not isinstance(section[key], kind):
            raise Invalid("normal_period.%(key)s is %(described)s.", key=key, described=described)
    given = {key: value for key, value in section.items() if key not in _OWN_KEYS}
    plain = NormalPeriodSettings.for_interval(interval_s).to_json()
    unknown = sorted(set(given) - set(plain))
    if unknown:
        raise Invalid("normal_period has no setting %(names)s.", names=", ".join(unknown))
    try:
        # So that a section which is fine for one reporting interval is fine for every other.
        if "window_s" in given:
            plain["max_gap_s"] = min(plain["max_gap_s"], given["window_s"])
        elif "max_gap_s" in given:
            plain["window_s"] = max(plain["window_s"], given["max_gap_s"])
        settings = NormalPeriodSettings.from_json(plain | given)
        severity = Severity(section.get("severity", Severity.SERIOUS))
    except (TypeError, ValueError) as error:
        raise Invalid("normal_period does not fit: %(error)s", error=error) from error
    chosen = tuple(section.get("metrics") or metrics)
    return NormalPeriodPlan(settings, chosen, severity, read_regime(section.get("when") or {}))


class Trainer:
    """Holds the fits of all assets; fits those whose normal period is complete."""

    def __init__(self, database: Database, store: Store, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._fits: dict[int, Fit] = {}
        self._check_at_ms: dict[int, int] = {}
        self._detectors: dict[str, NormalPeriodDetector] = {}

    def load(self, session: Session) -> None:
        """Reads the kept fits."""
        query = select(FittedModel).where(FittedModel.detector == NORMAL_PERIOD)
        self._fits = {
            row.asset_id: Fit(
                NormalModel.from_json(row.fitted), row.trained_until_ms, row.settings
            )
            for row in session.scalars(query)
        }
        self._detectors.clear()
        self._check_at_ms.clear()

    def find_fit(self, asset_id: int, plan: NormalPeriodPlan) -> Fit | None:
        """The asset's fit, when it was made by the present plan."""
        fit = self._fits.get(asset_id)
        return fit if fit is not None and fit.plan == plan.to_json() else None

    def detector(
        self, key: str, asset_ids: Iterable[int], plan: NormalPeriodPlan
    ) -> NormalPeriodDetector | None:
        """One detector for all fitted assets of an equipment model; None while there is none."""
        if key not in self._detectors:
            fits = {each: self.find_fit(each, plan) for each in asset_ids}
            models = {each: fit.model for each, fit in fits.items() if fit is not None}
            if not models:
                return None
            self._detectors[key] = NormalPeriodDetector.of(models)
        return self._detectors[key]

    def train_due(
        self, key: str, plan: NormalPeriodPlan, heard: Mapping[int, int], interval_s: float
    ) -> None:
        """Fits the assets in `heard` (id → newest time) whose normal period became complete."""
        for asset_id, newest_ms in heard.items():
            if self.find_fit(asset_id, plan) is not None:
                continue
            if newest_ms < self._check_at_ms.get(asset_id, 0):
                continue
            missing = self._train(key, asset_id, plan)
            # Readings beside the regime do not count, so this comes nearer and nearer to the end.
            n_readings = max(missing, plan.settings.normal_readings // _LOOKS_AT_MOST)
            self._check_at_ms[asset_id] = newest_ms + int(n_readings * interval_s * 1000)

    def _train(self, key: str, asset_id: int, plan: NormalPeriodPlan) -> int:
        """Fits when it can; returns how many readings are missing, at least 1 after a failure."""
        wanted = plan.settings.normal_readings
        span = self._store.span(key, asset_id)
        if span is None or span[2] < wanted:
            return wanted - (span[2] if span else 0)
        first_ms, last_ms, _ = span
        read = self._store.read(
            key,
            assets=[asset_id],
            metrics=plan.metrics_to_read,
            start_ms=first_ms,
            end_ms=last_ms + 1,
        )
        samples = keep_regime(read, plan.regime).choose(slice(wanted), plan.metrics)
        if len(samples.asset) < wanted:
            return wanted - len(samples.asset)
        try:
            model = fit_normal_period(samples, asset=asset_id, settings=plan.settings)
        except Invalid as error:
            _log.warning("normal period taught nothing", asset=asset_id, why=str(error))
            return wanted
        fit = Fit(model, int(samples.at_ms[-1]), plan.to_json())
        self._keep(asset_id, fit, first_ms)
        self._fits[asset_id] = fit
        self._detectors.pop(key, None)
        return 0

    def _keep(self, asset_id: int, fit: Fit, first_ms: int) -> None:
        now = self._clock.now()
        with self._database.transaction(Scope.system("training")) as session:
            session.execute(
                delete(FittedModel).where(
                    FittedModel.asset_id == asset_id, FittedModel.detector == NORMAL_PERIOD
                )
            )
            session.add(
                FittedModel(
                    asset_id=asset_id,
                    detector=NORMAL_PERIOD,
                    settings=fit.plan,
                    fitted=fit.model.to_json(),
                    trained_from_ms=first_ms,
                    trained_until_ms=fit.trained_until_ms,
                    n_readings=fit.model.n_readings,
                    fitted_at=now,
                )
            )
            announce(session, kind="asset", subject_id=asset_id, asset_id=asset_id, at=now)
