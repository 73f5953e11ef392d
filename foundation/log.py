"""Structured logs: events with fields, as JSON lines or for a terminal; set up once a process.

No value can forge a line, and what is secret by its name or its form is hidden.
"""

import logging
import sys
from collections.abc import Iterable

import structlog

from foundation.redaction import Redaction


def set_up_logs(
    form: str = "console", *, level: int = logging.INFO, secrets: Iterable[str] = ()
) -> None:
    """Sends all events to standard error, times in UTC; `secrets` are hidden wherever they stand.

    Line breaks and control characters in values are escaped, so none can forge a line; the lines
    of a trace are marked in the console form.
    """
    renderer: structlog.typing.Processor
    if form == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _Cleaning(Redaction(secrets), marks_traces=form != "json"),
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # What libraries log takes the same way out; otherwise their lines would be no JSON.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class _Cleaning:
    """The step that every event passes before it is written."""

    def __init__(self, redaction: Redaction, *, marks_traces: bool) -> None:
        self._redaction = redaction
        self._marks_traces = marks_traces

    def __call__(
        self, logger: object, method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        del logger, method
        for key, value in event.items():
            if key == "exception":
                event[key] = self._clean_trace(str(value))
            elif not key.startswith("_"):  # these are structlog's own
                event[key] = self._redaction.clean(key, value)
        return event

    def _clean_trace(self, trace: str) -> str:
        lines = [self._redaction.clean_text(line) for line in trace.split("\n")]
        return (
            "\n".join(f"  | {line}" for line in lines) if self._marks_traces else "\n".join(lines)
        )
