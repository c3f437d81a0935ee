"""What calls did, told to `logging` (`scalekit_vmcp`). Off, and free, as long as nobody listens."""

from __future__ import annotations

import sys

from scalekit_vmcp._json import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import Any

# From the lowest, as the native half and `logging` call them.
_LEVELS = ("DEBUG", "INFO", "WARN", "ERROR")

_logger: logging.Logger | None = None
_numbers: dict[str, int] = {}


def level() -> str | None:
    """The lowest level that some handler may want; `None` if there is no handler."""
    global _logger
    if _logger is None:
        # Who has not imported it does not listen, and need not pay for the import.
        if (module := sys.modules.get("logging")) is None:
            return None
        _numbers.update((name, getattr(module, name)) for name in _LEVELS)
        _logger = module.getLogger("scalekit_vmcp")
    logger: Any = _logger
    if not logger.hasHandlers():
        return None
    return next((name for name in _LEVELS if logger.isEnabledFor(_numbers[name])), None)


def tell(records: str) -> None:
    """Logs records, in the thread and the context of the caller."""
    assert _logger is not None
    for record in read(records):
        fields = {"scalekit_vmcp": record["fields"]}
        _logger.log(_numbers[record["level"]], "%s", record["message"], extra=fields)
