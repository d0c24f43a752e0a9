"""The templates whose agents use tools, memory and knowledge, as somebody uses them: over REST, with real parts."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from awe_app.adapters import passwords
from awe_app.api.app import create_api
from awe_app.composition import start
from awe_app.domain.models import ToolCall
from awe_app.services import provide
from awe_app.settings import Environment
from tests.api.conftest import PASSWORD, SECRET, client_of
from tests.model_server import ModelServer, Reply

TEMPLATES = ("sums-by-tool", "remembers-you", "writer-and-critic", "ask-the-handbook", "research-with-approval")
WAIT_S = 300

Script = Callable[[dict[str, Any]], Reply]


class House:
    """One running AWE and a user of it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def use(self, template_id: str) -> str:
        """Use the template, and wait until its collections are ready; gives the workflow's id."""
        made = await self.client.post(f"/api/templates/{template_id}/use")
        assert made.status_code == 201, made.text
        assert made.json()["issues"] == []
        async with asyncio.timeout(120):
            while any(c["documents"]["ready"] < c["documents"]["total"] for c in await self.collections()):
                await asyncio.sleep(0.1)
        return made.json()["id"]

    async def collections(self) -> list[dict[str, Any]]:
        return (await self.client.get("/api/knowledge/collections")).json()["items"]

    async def run(self, workflow_id: str, **inputs: str) -> dict[str, Any]:
        """Run it with the values its form is filled with, and these; gives the execution once it rests."""
        workflow = (await self.client.get(f"/api/workflows/{workflow_id}")).json()
        fields = [field for node in workflow["nodes"] for field in node.get("input_config", {}).get("fields", ())]
        given = {field["name"]: field["default"] for field in fields} | inputs
        begun = (await self.client.post(f"/api/workflows/{workflow_id}/execute", json={"inputs": given})).json()
        return await self.at_rest(begun["execution_id"])

    async def at_rest(self, execution_id: str) -> dict[str, Any]:
        """The execution once it has ended or waits for a person."""
        async with asyncio.timeout(WAIT_S):
            while True:
                state = (await self.client.get(f"/api/executions/{execution_id}")).json()
                if state["status"] not in ("pending", "running"):
                    return state
                await asyncio.sleep(0.05)

    async def approve(self, state: dict[str, Any], node_id: str) -> dict[str, Any]:
        """Approve what the node asks; gives the execution once it rests again."""
        address = f"/api/executions/{state['execution_id']}/approvals/{node_id}"
        answer = await self.client.post(address, json={"decision": "approved", "comment": "", "form": {}})
        assert answer.status_code == 200, answer.text
        async with asyncio.timeout(WAIT_S):
            while (now := await self.at_rest(state["execution_id"]))["status"] == "waiting":
                await asyncio.sleep(0.05)
        return now


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Any]]:
    """``await house()`` starts AWE with the bundled model, ``await house(server)`` with that one as default."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    async with AsyncExitStack() as stack:

        async def begin(server: ModelServer | None = None) -> House:
            environment = Environment(
                database_url=f"sqlite+aiosqlite:///{tmp_path}/awe.db",
                data_dir=tmp_path,
                secret_key=SECRET[::-1],
                jwt_secret_key=SECRET,
                allowed_hosts=(server.host,) if server else (),
            )
            running = await start(environment)
            stack.push_async_callback(running.stop)
            stack.callback(provide, None)
            provide(running.services)
            client = await stack.enter_async_context(client_of(create_api()))
            account = {"username": "ann", "email": "ann@example.org", "password": PASSWORD}
            await client.post("/api/auth/register", json=account)
            tokens = (await client.post("/api/auth/login", json={"username": "ann", "password": PASSWORD})).json()
            client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
            if server is not None:
                own = {"id": "own", "kind": "openai_compatible", "base_url": server.base_url, "api_key": "k" * 20}
                settings = {"default_model": "own/scripted", "providers": [{**own, "models": ["scripted"]}]}
                assert (await client.post("/api/settings/llm", json=settings)).status_code == 200
            return House(client)

        yield begin


def steps(state: dict[str, Any], node_id: str) -> list[tuple[Any, ...]]:
    """What the agent did, step by step."""
    found: list[tuple[Any, ...]] = []
    for line in state["logs"]:
        data = line["data"] or {}
        match data.get("kind") if line["node_id"] == node_id else None:
            case "task":
                found.append(("task",))
            case "model":
                calls = [(call["name"], json.loads(call["arguments"])) for call in data["tool_calls"]]
                found.append(("model", data["text"], calls))
            case "tool":
                found.append(("tool", data["tool"], data.get("error", data.get("result"))))
    return found


def call(name: str, **arguments: Any) -> Reply:
    return Reply("", tool_calls=[ToolCall("call_1", name, json.dumps(arguments))])


@pytest.mark.parametrize("template_id", TEMPLATES)
async def test_it_runs_offline_on_the_bundled_model(template_id: str, house: Any) -> None:
    ann = await house()
    workflow_id = await ann.use(template_id)
    state = await ann.run(workflow_id)
    if template_id == "research-with-approval":
        assert (state["status"], state["error"]) == ("waiting", None)
        assert [kind for kind, *_ in steps(state, "rules")][:3] == ["task", "model", "tool"]
        state = await ann.approve(state, "review")
    assert (state["status"], state["error"]) == ("completed", None)
    result = state["result"]["brief"] if template_id == "research-with-approval" else state["result"]
    assert result.strip()
    if template_id == "sums-by-tool":
        assert "630" in state["result"]


async def test_sums_are_the_calculator_s(house: Any) -> None:
    async with ModelServer(call("calculator", expression="12.5 * 48 + 30"), Reply("It is 630.")) as server:
        ann = await house(server)
        state = await ann.run(await ann.use("sums-by-tool"))
        assert (state["status"], state["result"]) == ("completed", "It is 630.")
        assert steps(state, "clerk") == [
            ("task",),
            ("model", "", [("calculator", {"expression": "12.5 * 48 + 30"})]),
            ("tool", "calculator", 630.0),
            ("model", "It is 630.", []),
        ]
        assert [tool["function"]["name"] for tool in server.requests[0]["tools"]] == ["calculator"]
        assert server.requests[1]["messages"][-1]["role"] == "tool"
        assert "630" in server.requests[1]["messages"][-1]["content"]
        assert state["usage"]["prompt_tokens"] == 22


async def test_the_assistant_remembers_from_run_to_run(house: Any) -> None:
    async with ModelServer(Reply("What a lovely name."), Reply("Biscuit.")) as server:
        ann = await house(server)
        workflow_id = await ann.use("remembers-you")
        first = await ann.run(workflow_id)
        second = await ann.run(workflow_id, message="What is my dog called?")
        assert (first["result"], second["result"]) == ("What a lovely name.", "Biscuit.")
        told = [json.dumps(request["messages"]) for request in server.requests]
        assert [text.count("Biscuit") for text in told] == [1, 1]  # of the second, only by memory
        (kept,) = (await ann.client.get("/api/memories")).json()["items"]
        assert kept == {"namespace": "assistant", "count": 2}


async def test_writer_and_critic_hear_each_other(house: Any) -> None:
    texts = ("A draft.", "Make it shorter.", "Short.")
    async with ModelServer(*(Reply(text) for text in texts)) as server:
        ann = await house(server)
        state = await ann.run(await ann.use("writer-and-critic"))
        assert (state["status"], state["result"]) == ("completed", "Short.")
        heard = [[m["content"] for m in request["messages"] if m["role"] == "assistant"] for request in server.requests]
        assert heard == [[], ["A draft."], ["A draft.", "Make it shorter."]]
        for node_id, text in zip(("draft", "critique", "final"), texts, strict=True):
            assert steps(state, node_id) == [("task",), ("model", text, [])]


async def test_the_handbook_is_made_once_and_answers_with_its_sources(house: Any) -> None:
    async with ModelServer(Reply("One euro a day.")) as server:
        ann = await house(server)
        workflow_id = await ann.use("ask-the-handbook")
        state = await ann.run(workflow_id)
        assert state["status"] == "completed"
        assert state["result"].startswith("One euro a day.\n\nSources: lending.md")
        assert "one euro a day, ten euros at most" in server.requests[0]["messages"][-1]["content"]
        await ann.use("ask-the-handbook")
        (collection,) = await ann.collections()
        assert (collection["name"], collection["documents"]["total"]) == ("riverside-handbook", 4)


async def test_research_waits_for_approval_with_an_exact_trace(house: Any) -> None:
    def answer(request: dict[str, Any]) -> Reply:
        prompt = next(m["content"] for m in request["messages"] if m["role"] == "user")
        topic = next((topic for topic in ("rules", "costs") if f"find the {topic}" in prompt), None)
        if topic is None:
            return Reply("The brief.")
        if request["messages"][-1]["role"] == "tool":
            return Reply(f"Notes on {topic}.")
        return call("knowledge_search", query=f"chain saw {topic}")

    async with ModelServer(script=answer) as server:
        ann = await house(server)
        state = await ann.run(await ann.use("research-with-approval"))
        assert state["status"] == "waiting"
        for node_id in ("rules", "costs"):
            task, asks, found, notes = steps(state, node_id)
            assert task == ("task",)
            assert asks == ("model", "", [("knowledge_search", {"query": f"chain saw {node_id}"})])
            assert found[:2] == ("tool", "knowledge_search")
            assert len(found[2]) == 2
            assert notes == ("model", f"Notes on {node_id}.", [])
        asked = state["node_states"]["review"]["waiting"]["data"]["message"]
        assert "Notes on rules." in asked
        assert "Notes on costs." in asked
        state = await ann.approve(state, "review")
        assert (state["status"], state["result"]) == ("completed", {"brief": "The brief."})
        assert len(server.requests) == 5
