"""Retrieval on the labelled set of ``bench/retrieval/``: what docs/knowledge.md says is held."""

import pytest

from awe_app.adapters.chroma import Chroma
from awe_app.adapters.knowledge import ChromaKnowledge
from bench.recall import Figures, judged, measure, passages, questions
from tests.conftest import OneEmbedder


def test_the_labelled_set_names_passages_that_there_are():
    texts, asked = passages(), questions()
    assert len(set(texts.values())) == len(texts) >= 80
    assert len({each.question for each in asked}) == len(asked) >= 60
    assert all(each.passages and set(each.passages) <= set(texts) for each in asked)


@pytest.mark.parametrize(
    ("found", "right", "expected"),
    [
        (["a", "b"], ["b"], Figures(1.0, 0.5)),
        (["a", "b"], ["b", "c"], Figures(0.5, 0.5)),
        (["a"], ["z"], Figures(0.0, 0.0)),
        ([], ["z"], Figures(0.0, 0.0)),
    ],
)
def test_recall_is_the_share_that_is_found_and_mrr_the_place_of_the_first(found, right, expected: Figures):
    assert judged(found, right) == expected


async def test_hybrid_search_finds_more_than_meaning_or_words_alone(chroma: Chroma, embedders: OneEmbedder):
    measured = await measure(ChromaKnowledge(chroma, embedders), embedders.local.name)
    hybrid, vector, keyword = (measured[mode, "all"] for mode in ("hybrid", "vector", "keyword"))
    assert hybrid.recall >= 0.97
    assert hybrid.recall > max(vector.recall, keyword.recall)
    assert hybrid.mrr > max(vector.mrr, keyword.mrr)
    assert measured["hybrid", "codes"].mrr > measured["vector", "codes"].mrr
    assert measured["hybrid", "paraphrase"].recall > measured["keyword", "paraphrase"].recall
