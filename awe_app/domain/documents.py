"""Documents as text: what nodes, tools and collections read; ``adapters/documents.py`` takes the files apart."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """What a document says."""

    text: str
    """Markdown where the format has structure: headings are lines that begin with ``#``, sheets are tables."""
    media_type: str
    """Of the file, such as ``application/pdf``."""
    title: str = ""
    """What the document calls itself; empty where it does not."""


class DocumentParser(Protocol):
    """Reads files that nobody vouches for. Cancelling a call ends its work at once."""

    async def parse(self, name: str, data: bytes, media_type: str | None = None) -> ParsedDocument:
        """The text of a file: txt, md, csv, json, html, pdf, docx, xlsx, and whatever else is UTF-8.

        Args:
            name: tells the format by its ending.
            data: the whole file.
            media_type: tells the format where the name does not; ``; charset=…`` tells how text is written.

        Raises:
            NodeFailed: ``UNKNOWN_FORMAT``, ``UNREADABLE_FILE`` (broken, locked by a password, built to harm),
                ``NO_TEXT`` (pictures only), ``FILE_TOO_LARGE`` (or what it unpacks to, or its text).
        """
        ...
