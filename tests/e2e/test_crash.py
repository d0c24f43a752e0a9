"""``kill -9`` in the middle of a run: the run ends by itself after the next start, and nothing finished runs twice."""

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.e2e.server import Person, Server

AGENTS = [f"agent{number}" for number in range(1, 9)]
KILL_AFTER = 2
"""Agents that have finished when the server is killed."""
PATIENCE_S = 150.0


def chain_of_agents() -> dict[str, Any]:
    """Input, then agents one after another, then output."""
    nodes: list[dict[str, Any]] = [{"id": "start", "type": "input", "input_config": {"fields": []}}]
    for agent in AGENTS:
        config = {"user_prompt": "Count to three.", "max_tokens": 40}
        nodes.append({"id": agent, "type": "agent", "agent_config": config})
    nodes.append({"id": "result", "type": "output", "output_config": {"value": f"{{{{ nodes.{AGENTS[-1]}.output }}}}"}})
    ids = [node["id"] for node in nodes]
    edges = [{"id": f"e{i}", "source": a, "target": b} for i, (a, b) in enumerate(pairwise(ids))]
    return {"name": "Chain of agents", "nodes": nodes, "edges": edges}


def finished(execution: dict[str, Any]) -> dict[str, Any]:
    return {path: node for path, node in execution["node_states"].items() if node["status"] == "completed"}


def wait_until(person: Person, execution_id: str, ready) -> dict[str, Any]:
    """The execution, as soon as it is as wanted."""
    deadline = time.monotonic() + PATIENCE_S
    while not ready(execution := person.get(f"/executions/{execution_id}")):
        assert time.monotonic() < deadline, f"still {execution['status']}: {list(finished(execution))}"
        time.sleep(0.05)
    return execution


def messages(person: Person, execution_id: str) -> list[dict[str, Any]]:
    """Everything the execution's WebSocket tells from the beginning."""
    address = f"{person.server.url.replace('http', 'ws')}/api/ws/executions/{execution_id}?after_seq=0"
    headers = {"Authorization": person.client.headers["Authorization"]}
    with connect(address, additional_headers=headers) as socket:
        return [json.loads(text) for text in socket]


@pytest.mark.timeout(400)
def test_a_run_survives_kill_9_and_no_finished_node_runs_twice(tmp_path: Path):
    server = Server(tmp_path / "data")
    with server:
        person = Person(server).register()
        workflow = person.post("/workflows", chain_of_agents(), 201)
        started = person.post(f"/workflows/{workflow['id']}/execute", {"inputs": {}}, 202)
        execution_id = started["execution_id"]
        before = wait_until(
            person, execution_id, lambda e: sum(a in finished(e) for a in AGENTS) >= KILL_AFTER or e["completed_at"]
        )
        server.kill()
        assert before["status"] == "running"

        server.start()
        after = wait_until(person, execution_id, lambda e: e["completed_at"])
        assert after["status"] == "completed", after["error"]
        assert set(finished(after)) == {"start", *AGENTS, "result"}
        for path, node in finished(before).items():
            assert after["node_states"][path] == node, f"{path} was recorded as finished and ran again"

        told = messages(person, execution_id)
        assert [m["seq"] for m in told] == list(range(1, len(told) + 1))
        assert told[-1]["type"] == "complete"
        ends = [m["data"]["node_id"] for m in told if m["data"].get("status") == "completed" and m["type"] == "state"]
        assert sorted(ends) == sorted(["start", *AGENTS, "result"])
        begins = [m["data"]["node_id"] for m in told if m["data"].get("status") == "running" and "node_id" in m["data"]]
        for path in finished(before):
            assert begins.count(path) <= 1


def test_the_server_ends_cleanly_on_ctrl_c(tmp_path: Path):
    server = Server(tmp_path / "data")
    server.start()
    assert server.stop() == 0
    assert not server.healthy()
    assert "Traceback" not in server.log.read_text()
