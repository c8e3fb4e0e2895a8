"""What Exchange's schemas allow: each request to the sandbox and each of its answers is held against them."""

import functools
import threading
from pathlib import Path

from lxml import etree

from sandbox.ews_soap import NAMES, SOAP

_FAULT = f"{{{SOAP}}}Fault"


class Contract:
    """The schemas of one folder that holds `lxml/_validate.xsd`. Shared between threads."""

    def __init__(self, folder: Path) -> None:
        self._schema = etree.XMLSchema(file=str(folder / "lxml" / "_validate.xsd"))
        # A schema keeps the errors of its last validation in itself.
        self._lock = threading.Lock()

    def breaches(self, envelope: etree._Element) -> list[str]:
        """What in the header and the body is outside the schemas; a SOAP fault has none."""
        parts = [*envelope.iterfind("s:Header/*", NAMES), *envelope.iterfind("s:Body/*", NAMES)]
        return [said for part in parts if part.tag != _FAULT and (said := self._breach(part)) is not None]

    def _breach(self, part: etree._Element) -> str | None:
        try:
            with self._lock:
                self._schema.assertValid(part)
        except etree.DocumentInvalid as error:
            return str(error)
        return None


@functools.cache
def contract(folder: Path) -> Contract:
    """The contract of `folder`, read once in a process: it takes a moment."""
    return Contract(folder)
