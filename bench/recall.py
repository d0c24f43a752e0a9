"""How well collections find: recall@5 and MRR on the labelled set of ``bench/retrieval/``, for each way to search.

``python -m bench.recall`` measures the local embedder. A provider's: ``--kind openai --model text-embedding-3-small``
(``--base-url`` where it is elsewhere); its key is asked for and kept nowhere.
"""

import argparse
import asyncio
import getpass
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from awe_app.adapters.chroma import Chroma
from awe_app.adapters.embedder_cache import CachedEmbedder, Embedder
from awe_app.adapters.embedder_remote import RemoteEmbedder, allowed_for_models
from awe_app.adapters.embedders import Embedders
from awe_app.adapters.http import HttpClient
from awe_app.adapters.knowledge import ChromaKnowledge
from awe_app.adapters.model_access import KINDS, Access
from awe_app.domain.ids import UserId
from awe_app.domain.knowledge import Chunk, KnowledgeBase, Mode

FOLDER = Path(__file__).with_name("retrieval")
MODES: tuple[Mode, ...] = ("vector", "keyword", "hybrid")
LOOKED_AT = 5
"""Passages that count: what ``retrieve`` gives when it is not told."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something to look up."""

    kind: str
    """``words`` of the passage, a ``paraphrase``, ``codes`` (numbers, names, signs), or ``several`` right passages."""
    question: str
    passages: Sequence[str]
    """Ids of all that are right."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over questions, 0 to 1."""

    recall: float
    """Of the right passages, the share that is among the first five."""
    mrr: float
    """1 / the rank of the first right one, 0 when it is not among the first five."""


def passages() -> Mapping[str, str]:
    """The texts of the set by their ids."""
    return {each["id"]: each["text"] for each in _read("passages.json")}


def questions() -> list[Question]:
    """The questions of the set."""
    return [Question(**each) for each in _read("questions.json")]


async def measure(knowledge: KnowledgeBase, embedder: str) -> dict[tuple[Mode, str], Figures]:
    """The figures by way to search and kind of question (``all`` for all of them)."""
    user, name = UserId("bench"), "labelled"
    await knowledge.create(user, name, embedder)
    await knowledge.add(user, name, [Chunk(text, id=i) for i, text in passages().items()])
    texts = {text: i for i, text in passages().items()}
    found: dict[tuple[Mode, str], list[Figures]] = {}
    for asked in questions():
        for mode in MODES:
            hits = await knowledge.query(user, name, asked.question, LOOKED_AT, mode)
            figures = judged([texts[hit.text] for hit in hits], asked.passages)
            for kind in ("all", asked.kind):
                found.setdefault((mode, kind), []).append(figures)
    return {key: _mean(each) for key, each in found.items()}


def judged(found: Sequence[str], right: Sequence[str]) -> Figures:
    """One question's figures: what was found, best first, against what is right."""
    first = next((rank for rank, each in enumerate(found, 1) if each in right), None)
    return Figures(len({*found} & {*right}) / len(right), 1 / first if first else 0.0)


def shown(measured: Mapping[tuple[Mode, str], Figures]) -> str:
    """A Markdown table."""
    kinds = list(dict.fromkeys(kind for _mode, kind in measured))
    lines = [f"| recall@{LOOKED_AT} / MRR | {' | '.join(kinds)} |", "|---|" + "---:|" * len(kinds)]
    for mode in MODES:
        cells = (f"{measured[mode, kind].recall:.3f} / {measured[mode, kind].mrr:.3f}" for kind in kinds)
        lines.append(f"| {mode} | {' | '.join(cells)} |")
    return "\n".join(lines)


class Only:
    """Implements ``EmbedderDirectory`` by one embedder."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def find(self, user_id: UserId | None, name: str) -> Embedder:
        """See ``EmbedderDirectory.find``."""
        return self._embedder


async def measure_local() -> dict[tuple[Mode, str], Figures]:
    """The figures of the embedder on this machine."""
    embedders = Embedders()
    try:
        return await _in_a_folder(embedders.local)
    finally:
        await embedders.stop()


async def measure_remote(access: Access, model: str, allowed_hosts: Sequence[str] = ()) -> Mapping[Any, Figures]:
    """The figures of a provider's model."""
    client = HttpClient(allowed_for_models(allowed_hosts))
    try:
        return await _in_a_folder(CachedEmbedder(RemoteEmbedder(access, model, client)))
    finally:
        await client.stop()


async def _in_a_folder(embedder: Embedder) -> dict[tuple[Mode, str], Figures]:
    with tempfile.TemporaryDirectory() as folder:
        chroma = Chroma(Path(folder))
        try:
            return await measure(ChromaKnowledge(chroma, Only(embedder)), embedder.name)
        finally:
            await chroma.stop()


def _mean(each: Sequence[Figures]) -> Figures:
    return Figures(sum(one.recall for one in each) / len(each), sum(one.mrr for one in each) / len(each))


def _read(name: str) -> list[dict[str, Any]]:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.recall")
    parser.add_argument("--kind", choices=list(KINDS), help="a kind of provider; the local embedder without it")
    parser.add_argument("--model", help="the provider's embedding model")
    parser.add_argument("--base-url", help="where the provider is")
    options = parser.parse_args()
    if bool(options.kind) != bool(options.model):
        parser.error("--kind and --model go together")
    if options.kind:
        access = Access(options.kind, options.kind, options.base_url, getpass.getpass("API key: "))
        print(shown(asyncio.run(measure_remote(access, options.model))))
    else:
        print(shown(asyncio.run(measure_local())))


if __name__ == "__main__":
    main()
