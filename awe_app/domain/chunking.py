"""Cutting a document into chunks: by its headings, then where paragraphs, lines, sentences or words end.

A chunk is a piece of the text as it is, never more than ``size`` characters, and every character that is not blank is
in one of them at least.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HEADING = re.compile(r"^(#{1,6})[ \t]+(\S.*)$", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_ENDS = tuple(re.compile(pattern) for pattern in (r"\n\s*\n", r"\n", r"(?<=[.!?])\s", r"(?<=[。！？])", r"\s"))
"""Where to cut, the best first: after a paragraph, a line, a sentence, a word."""
_SMALL = 0.25
"""A section shorter than this part of ``size`` shares a chunk with the next one, if both fit."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk of a text."""

    text: str
    start: int
    """Where it begins in the text."""
    headings: tuple[str, ...]
    """What stands above its beginning, from the outermost."""


@dataclass(slots=True)
class _Section:
    start: int
    end: int
    headings: tuple[str, ...]


def cut(text: str, size: int, overlap: int = 0, by_headings: bool = True) -> Iterator[Piece]:
    """The chunks of a text in their order.

    Args:
        text: markdown, or any other text.
        size: the most characters of a chunk.
        overlap: how many characters a chunk repeats of the one before it, at most; less than ``size``.
        by_headings: a chunk does not go on under another heading, unless a section is very short.
    """
    if not 0 <= overlap < size:
        raise ValueError(f"an overlap of {overlap} does not fit into chunks of {size}")
    sections = _sections(text) if by_headings else [_Section(0, len(text), ())]
    for section in _joined(sections, size):
        for start, end in _spans(text, section.start, section.end, size, overlap):
            piece = text[start:end]
            if piece.strip():
                start += len(piece) - len(piece.lstrip())
                yield Piece(piece.strip(), start, section.headings)


def _sections(text: str) -> list[_Section]:
    """The text by its headings; what looks like one inside a block of code is none."""
    fences = [match.span() for match in _FENCE.finditer(text)]
    sections = [_Section(0, len(text), ())]
    above: list[tuple[int, str]] = []
    for match in _HEADING.finditer(text):
        if any(start <= match.start() < end for start, end in fences):
            continue
        level = len(match[1])
        above = [entry for entry in above if entry[0] < level]
        above.append((level, match[2].rstrip("# \t")[:200]))
        sections[-1].end = match.start()
        sections.append(_Section(match.start(), len(text), tuple(title for _level, title in above if title)))
    return [section for section in sections if section.end > section.start]


def _joined(sections: list[_Section], size: int) -> Iterator[_Section]:
    """Very short sections together with what follows them."""
    open_section: _Section | None = None
    for section in sections:
        if open_section is None:
            open_section = section
        elif open_section.end - open_section.start < size * _SMALL and section.end - open_section.start <= size:
            open_section = _Section(open_section.start, section.end, open_section.headings)
        else:
            yield open_section
            open_section = section
    if open_section is not None:
        yield open_section


def _spans(text: str, start: int, end: int, size: int, overlap: int) -> Iterator[tuple[int, int]]:
    while end - start > size:
        stop = _best_end(text, start, start + size)
        yield start, stop
        start = _restart(text, start, stop, overlap)
    yield start, end


def _best_end(text: str, start: int, limit: int) -> int:
    """Where to cut in the second half of what fits."""
    earliest = start + (limit - start + 1) // 2
    for pattern in _ENDS:
        ends = [match.end() for match in pattern.finditer(text, earliest, limit)]
        if ends:
            return ends[-1]
    return limit


def _restart(text: str, start: int, stop: int, overlap: int) -> int:
    """Where the next chunk begins: a little before the last one's end, at the beginning of a word."""
    earliest = max(stop - overlap, start + 1)
    if earliest >= stop:
        return stop
    word = re.compile(r"(?<=\s)\S").search(text, earliest, stop)
    return word.start() if word else stop
