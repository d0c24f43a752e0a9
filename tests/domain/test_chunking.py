"""Documents cut into chunks: nothing is lost, nothing is too long, and cuts are where a reader would make them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awe_app.domain.chunking import Piece, cut

WORDS = st.lists(
    st.sampled_from(
        ["word", "Sentence.", "日本語。", "\n", "\n\n", "# Heading\n", "## Deeper\n", "```\n", "x" * 90, " "]
    )
    | st.text(max_size=20),
    max_size=60,
)


@given(WORDS, st.integers(10, 200), st.floats(0, 0.9), st.booleans())
def test_nothing_is_lost_and_nothing_is_too_long(words: list[str], size: int, share: float, by_headings: bool):
    text = " ".join(words)
    pieces = list(cut(text, size, int(size * share), by_headings))
    covered = set[int]()
    for piece in pieces:
        assert 0 < len(piece.text) <= size
        assert text[piece.start : piece.start + len(piece.text)] == piece.text
        covered.update(range(piece.start, piece.start + len(piece.text)))
    assert {n for n, char in enumerate(text) if not char.isspace()} <= covered
    assert [piece.start for piece in pieces] == sorted(piece.start for piece in pieces)


@given(WORDS, st.integers(10, 200))
def test_without_an_overlap_nothing_is_said_twice(words: list[str], size: int):
    pieces = list(cut(" ".join(words), size))
    assert all(a.start + len(a.text) <= b.start for a, b in pairwise(pieces))


def test_a_chunk_knows_the_headings_above_it():
    text = f"{'Intro. ' * 10}\n\n# Wool\n{'Soft. ' * 20}\n## Care\n{'Wash it cold. ' * 20}\n# Silk\n{'Fine. ' * 20}"
    found = {piece.headings for piece in cut(text, 200)}
    assert found == {(), ("Wool",), ("Wool", "Care"), ("Silk",)}
    assert all("Silk" not in piece.text for piece in cut(text, 200) if piece.headings[:1] == ("Wool",))


def test_very_short_sections_share_a_chunk():
    text = "# A\none\n# B\ntwo\n# C\nthree"
    assert [piece.text for piece in cut(text, 200)] == [text]
    assert {piece.headings for piece in cut(text, 200)} == {("A",)}


def test_what_looks_like_a_heading_in_code_is_none():
    text = f"# Real\n{'Words here. ' * 12}\n```\n# a comment\n```\n{'More words. ' * 12}"
    assert {piece.headings for piece in cut(text, 150)} == {("Real",)}


def test_cuts_are_after_paragraphs_then_sentences_then_words():
    first, second = "One sentence here. " * 4, "Another sentence there. " * 4
    assert [piece.text for piece in cut(f"{first}\n\n{second}", 120)] == [first.strip(), second.strip()]
    assert all(piece.text.endswith(".") for piece in cut("A short sentence here. " * 30, 100))
    assert all(set(piece.text.split()) == {"word"} for piece in cut("word " * 200, 97))


def test_an_overlap_repeats_whole_words():
    pieces = list(cut(" ".join(f"w{n}" for n in range(300)), 100, 30))
    for before, after in pairwise(pieces):
        shared = before.start + len(before.text) - after.start
        assert 0 < shared <= 30
        assert before.text.split()[-1] in after.text.split()


@pytest.mark.parametrize("text", ["", "  \n \n", "\n#\n"])
def test_a_text_without_words_has_few_chunks(text: str):
    assert list(cut(text, 100)) in ([], [Piece("#", 1, ())])


def test_an_overlap_as_large_as_a_chunk_is_refused():
    with pytest.raises(ValueError, match="overlap"):
        list(cut("text", 100, 100))
