"""Keeps secrets out of the log: Reflex logs a failing event with all its request headers, cookie included."""

import json
import logging
import re
from datetime import UTC, datetime

_SECRET = re.compile(r"(?i)(['\"](?:cookie|authorization|tocsin-user|tocsin-device)['\"]:\s*)(['\"]).*?\2")


class Redact(logging.Filter):
    """Replaces header values that would let a reader of the log act as somebody else."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if (clean := _SECRET.sub(r"\1'***'", message)) != message:
            record.msg, record.args = clean, ()
        return True


def redact() -> None:
    """Puts the filter on every handler of the root logger and of Reflex's own."""
    for name in (None, "reflex", "reflex_base"):
        for handler in logging.getLogger(name).handlers:
            handler.addFilter(Redact())


class Json(logging.Formatter):
    """One JSON object a line, for log collectors."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def setup(level: str = "INFO", style: str = "text") -> None:
    """Logs to standard error as the operator wants it; secrets are cut out of every line."""
    handler = logging.StreamHandler()
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(Json() if style == "json" else text)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("alembic", "httpx", "httpcore", "hpack"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a tick longer than its beat is no news
    redact()
