"""Executions over REST."""

import asyncio
from pathlib import Path

import httpx

from tests.api.answers import assert_error
from tests.api.holding import Hold
from tests.builders import graph, node

EXECUTION = {
    "execution_id",
    "workflow_id",
    "user_id",
    "status",
    "current_node",
    "node_states",
    "variables",
    "result",
    "error",
    "started_at",
    "completed_at",
    "usage",
    "logs",
}
GREETING = graph(
    "start -> greet -> end",
    node("start", "input", {"fields": [{"name": "who", "type": "text", "required": True}]}),
    node("greet", config={"template": "Hello {{ inputs.who }}"}),
    node("end", "output", {"value": "{{ nodes.greet.output }}"}),
)


async def store(client: httpx.AsyncClient, workflow: dict) -> str:
    answer = await client.post("/api/workflows", json=workflow)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def held(client: httpx.AsyncClient) -> tuple[str, str]:
    """A running execution that waits in its node ``wait``; gives the workflow's and its own id."""
    workflow_id = await store(client, graph("wait -> after", node("wait", "hold")))
    started = await client.post(f"/api/workflows/{workflow_id}/execute")
    assert started.status_code == 202
    await asyncio.wait_for(Hold.reached.wait(), 10)
    return workflow_id, started.json()["execution_id"]


async def test_priority_has_three_values_and_others_are_refused(ann: httpx.AsyncClient):
    execute, inputs = f"/api/workflows/{await store(ann, GREETING)}/execute?wait=30", {"who": "Ann"}
    for priority in ("low", "normal", "high"):
        answer = await ann.post(execute, json={"inputs": inputs, "priority": priority})
        assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    for priority in ("urgent", "HIGH", "", 1, None):
        assert_error(await ann.post(execute, json={"inputs": inputs, "priority": priority}), 400)


async def test_waiting_gives_the_ended_execution(ann: httpx.AsyncClient):
    workflow_id = await store(ann, GREETING)
    answer = await ann.post(f"/api/workflows/{workflow_id}/execute?wait=30", json={"inputs": {"who": "Ann"}})
    assert answer.status_code == 200, answer.text
    execution = answer.json()
    assert set(execution) == EXECUTION
    assert (execution["status"], execution["result"]) == ("completed", "Hello Ann")
    assert execution["node_states"]["greet"]["output"] == "Hello Ann"
    stored = (await ann.get(f"/api/executions/{execution['execution_id']}")).json()
    assert {**stored, "logs": None} == {**execution, "logs": None}


async def test_without_waiting_the_answer_is_202_and_the_execution_ends_by_itself(ann: httpx.AsyncClient):
    workflow_id = await store(ann, GREETING)
    answer = await ann.post(f"/api/workflows/{workflow_id}/execute", json={"inputs": {"who": "Ann"}})
    assert answer.status_code == 202
    address = f"/api/executions/{answer.json()['execution_id']}"
    async with asyncio.timeout(30):
        while (await ann.get(address)).json()["status"] != "completed":
            await asyncio.sleep(0.01)


async def test_waiting_too_short_is_202(ann: httpx.AsyncClient, hold: type[Hold]):
    workflow_id = await store(ann, graph("wait", node("wait", "hold")))
    answer = await ann.post(f"/api/workflows/{workflow_id}/execute?wait=0.05")
    assert answer.status_code == 202
    assert answer.json()["status"] in ("pending", "running")


async def test_the_same_key_gives_the_same_execution_also_when_sent_at_once(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient
):
    address, body = f"/api/workflows/{await store(ann, GREETING)}/execute", {"inputs": {"who": "Ann"}}
    headers = {"Idempotency-Key": "order 7"}
    answers = await asyncio.gather(*(ann.post(address, json=body, headers=headers) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["execution_id"] for answer in answers}) == 1
    again = await ann.post(f"{address}?wait=30", json=body, headers=headers)
    assert again.json()["execution_id"] == answers[0].json()["execution_id"]
    assert again.json()["status"] == "completed"
    other = await ann.post(address, json=body, headers={"Idempotency-Key": "order 8"})
    assert other.json()["execution_id"] != again.json()["execution_id"]
    theirs = f"/api/workflows/{await store(bob, GREETING)}/execute"
    assert (await bob.post(theirs, json=body, headers=headers)).json()["execution_id"] != again.json()["execution_id"]


async def test_a_running_execution_can_be_cancelled_once(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient, hold: type[Hold]
):
    _, execution_id = await held(ann)
    address = f"/api/executions/{execution_id}"
    assert_error(await bob.post(f"{address}/cancel"), 404)
    answer = await ann.post(f"{address}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    execution = (await ann.get(address)).json()
    assert execution["status"] == "cancelled"
    assert execution["node_states"]["wait"]["status"] == "cancelled"
    assert_error(await ann.post(f"{address}/cancel"), 409, "EXECUTION_ENDED")


async def test_the_log_can_be_read_from_a_number_on(ann: httpx.AsyncClient, hold: type[Hold]):
    _, execution_id = await held(ann)
    await ann.post(f"/api/executions/{execution_id}/cancel")
    lines = (await ann.get(f"/api/executions/{execution_id}/logs")).json()["items"]
    assert lines
    assert all(set(line) == {"seq", "timestamp", "level", "node_id", "message", "data"} for line in lines)
    last = lines[-1]["seq"]
    assert (await ann.get(f"/api/executions/{execution_id}/logs?after_seq={last}")).json()["items"] == []
    assert (await ann.get(f"/api/executions/{execution_id}/logs?after_seq={last - 1}")).json()["items"] == lines[-1:]


async def test_the_list_holds_one_s_own_by_workflow_and_status(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient, hold: type[Hold]
):
    waiting, execution_id = await held(ann)
    greeting = await store(ann, GREETING)
    await ann.post(f"/api/workflows/{greeting}/execute?wait=30", json={"inputs": {"who": "Ann"}})

    async def statuses(query: str) -> list[str]:
        answer = await ann.get(f"/api/executions?{query}")
        assert answer.status_code == 200, answer.text
        return [item["status"] for item in answer.json()["items"]]

    assert await statuses("") == ["completed", "running"]
    assert await statuses(f"workflow_id={waiting}") == ["running"]
    assert await statuses("status=completed") == ["completed"]
    assert await statuses(f"workflow_id={waiting}&status=completed") == []
    assert_error(await ann.get("/api/executions?status=finished"), 400, "INVALID")
    assert (await bob.get("/api/executions")).json()["items"] == []
    await ann.post(f"/api/executions/{execution_id}/cancel")


async def test_an_execution_outlives_its_workflow(ann: httpx.AsyncClient):
    workflow_id = await store(ann, GREETING)
    done = (await ann.post(f"/api/workflows/{workflow_id}/execute?wait=30", json={"inputs": {"who": "Ann"}})).json()
    await ann.delete(f"/api/workflows/{workflow_id}")
    execution = (await ann.get(f"/api/executions/{done['execution_id']}")).json()
    assert (execution["workflow_id"], execution["result"]) == (None, "Hello Ann")


async def test_a_template_becomes_a_workflow_of_one_s_own(ann: httpx.AsyncClient):
    templates = (await ann.get("/api/templates")).json()
    names = {path.stem for path in (Path(__file__).parents[2] / "awe_app" / "templates").glob("*.json")}
    assert templates["total"] == len(names) > 0
    template = templates["items"][0]
    assert (await ann.get(f"/api/templates/{template['id']}")).json() == template
    used = await ann.post(f"/api/templates/{template['id']}/use")
    assert used.status_code == 201
    assert (used.json()["name"], used.json()["issues"]) == (template["name"], [])
    assert_error(await ann.get("/api/templates/unheard-of"), 404, "TEMPLATE_NOT_FOUND")


async def test_the_catalogue_shows_every_node_type_and_a_default_model(ann: httpx.AsyncClient):
    nodes = {item["type"]: item for item in (await ann.get("/api/nodes")).json()["items"]}
    assert {"input", "output", "agent", "condition", "template", "note"} <= set(nodes)
    fields = {"type", "title", "category", "description", "icon", "inputs", "outputs", "effectful", "config_schema"}
    assert all(set(item) == fields for item in nodes.values())
    assert [port["name"] for port in nodes["condition"]["outputs"]] == ["true", "false"]
    models = (await ann.get("/api/models")).json()["items"]
    assert [model["default"] for model in models][:1] == [True]
    assert all(model["id"].startswith(f"{model['provider']}/") for model in models)


async def test_a_model_s_key_goes_in_and_does_not_come_out(ann: httpx.AsyncClient, bob: httpx.AsyncClient):
    key = "sk-c4n4ry-0123456789"
    provider = {"id": "mine", "kind": "openai", "name": "Mine", "models": ["gpt-x"], "api_key": key}
    saved = await ann.post("/api/settings/llm", json={"providers": [provider]})
    assert saved.status_code == 200, saved.text
    for answer in (saved, await ann.get("/api/settings/llm")):
        assert key not in answer.text
        mine = next(p for p in answer.json()["providers"] if p["id"] == "mine")
        assert mine["key_last4"] == "6789"
    assert "mine" not in (await bob.get("/api/settings/llm")).text
    assert_error(await ann.post("/api/settings/llm", json={"providers": "many"}), 400)


async def test_an_approval_is_answered_over_rest(ann: httpx.AsyncClient, bob: httpx.AsyncClient):
    asked = graph(
        "ask:approved -> end",
        node("ask", "approval", {"message": "Send it?", "form": [{"name": "copies", "type": "integer"}]}),
        node("end", "output", {"value": "{{ nodes.ask.output.form.copies }}"}),
    )
    workflow_id = await store(ann, asked)
    waiting = (await ann.post(f"/api/workflows/{workflow_id}/execute?wait=30")).json()
    assert waiting["status"] == "waiting"
    assert waiting["node_states"]["ask"]["waiting"]["data"]["message"] == "Send it?"
    address = f"/api/executions/{waiting['execution_id']}/approvals"
    assert_error(await bob.post(f"{address}/ask", json={"decision": "approved"}), 404, "EXECUTION_NOT_FOUND")
    assert_error(await ann.post(f"{address}/ask", json={"decision": "maybe"}), 400)
    assert_error(await ann.post(f"{address}/end", json={"decision": "approved"}), 409, "NOT_WAITING")
    given = {"decision": "approved", "comment": "yes", "form": {"copies": "2"}}
    assert (await ann.post(f"{address}/ask", json=given)).status_code == 200
    for _ in range(500):
        execution = (await ann.get(f"/api/executions/{waiting['execution_id']}")).json()
        if execution["status"] == "completed":
            break
        await asyncio.sleep(0.01)
    assert execution["result"] == 2
    assert "waiting" not in execution["node_states"]["ask"]
    assert_error(await ann.post(f"{address}/ask", json=given), 409, "NOT_WAITING")


async def test_an_event_is_sent_over_rest(ann: httpx.AsyncClient, bob: httpx.AsyncClient):
    waits = graph("w:paid -> end", node("w", "wait_for", {"events": ["paid"]}), node("end", "output", {}))
    workflow_id = await store(ann, waits)
    waiting = (await ann.post(f"/api/workflows/{workflow_id}/execute?wait=30")).json()
    assert waiting["status"] == "waiting"
    assert waiting["node_states"]["w"]["waiting"]["data"] == {"events": ["paid"], "since": "start"}
    address = f"/api/executions/{waiting['execution_id']}/events"
    assert_error(await bob.post(f"{address}/paid", json={"data": 1}), 404, "EXECUTION_NOT_FOUND")
    assert_error(await ann.post(f"{address}/no%20name", json={"data": 1}), 400)
    assert_error(await ann.post(f"{address}/paid", json={"date": 1}), 400)
    assert (await ann.post(f"{address}/paid", json={"data": {"sum": 12}})).status_code == 202
    for _ in range(500):
        execution = (await ann.get(f"/api/executions/{waiting['execution_id']}")).json()
        if execution["status"] == "completed":
            break
        await asyncio.sleep(0.01)
    assert execution["result"] == {"sum": 12}
    assert "Event 'paid'" in [line["message"] for line in execution["logs"]]
    assert_error(await ann.post(f"{address}/paid", json={"data": 1}), 409, "EXECUTION_ENDED")


async def test_node_instances_come_in_the_order_of_their_paths(ann: httpx.AsyncClient, bob: httpx.AsyncClient):
    each = node("each", "loop", {"mode": "repeat", "times": 202})
    workflow_id = await store(ann, graph("", each, {**node("write"), "parent_id": "each"}))
    shown = (await ann.post(f"/api/workflows/{workflow_id}/execute?wait=60", json={})).json()
    assert shown["status"] == "completed"
    assert len(shown["node_states"]) == 201
    nodes = f"/api/executions/{shown['execution_id']}/nodes"
    first = (await ann.get(nodes)).json()
    assert (first["total"], first["limit"], first["offset"], len(first["items"])) == (203, 50, 0, 50)
    assert [item["path"] for item in first["items"][:4]] == ["each", "each[0]/write", "each[1]/write", "each[2]/write"]
    assert first["items"][1] == shown["node_states"]["each[0]/write"]
    late = (await ann.get(nodes, params={"prefix": "each[20", "limit": 2, "offset": 1})).json()
    assert [item["path"] for item in late["items"]] == ["each[200]/write", "each[201]/write"]
    assert late["total"] == 3
    assert_error(await bob.get(nodes), 404, "EXECUTION_NOT_FOUND")
    for wrong in ("limit=0", "limit=201", "offset=-1", "prefx=each"):
        assert_error(await ann.get(f"{nodes}?{wrong}"), 400, "INVALID")


async def test_a_large_value_is_given_whole_to_who_asks_for_the_execution(ann: httpx.AsyncClient):
    workflow_id = await store(ann, GREETING)
    inputs = {"who": "é" * 200_000}
    answer = await ann.post(f"/api/workflows/{workflow_id}/execute?wait=60", json={"inputs": inputs})
    assert answer.json()["result"] == f"Hello {inputs['who']}"
    shown = (await ann.get(f"/api/executions/{answer.json()['execution_id']}")).json()
    assert shown == answer.json()
    (row,) = (await ann.get("/api/executions")).json()["items"]
    assert (row["result"]["truncated"], row["result"]["preview"][:8]) == (True, "Hello éé")


BREAKS = graph(
    "first -> sum -> last",
    node("first", config={"template": "{{ variables.n }}"}),
    node("sum", "template", {"template": "{{ sum(variables.text) }}"}),
    node("last", config={"template": "{{ nodes.sum.output }}!"}),
    node("end", "output", {"value": "{{ nodes.last.output }}"}),
    variables={"n": 1, "text": "no numbers"},
)
BREAKS["edges"].append({"id": "x", "source": "last", "target": "end"})


async def broken(client: httpx.AsyncClient) -> dict:
    workflow_id = await store(client, BREAKS)
    answer = await client.post(f"/api/workflows/{workflow_id}/execute?wait=30")
    assert answer.json()["status"] == "failed", answer.text
    return answer.json()


async def ended(client: httpx.AsyncClient, execution_id: str) -> dict:
    while True:
        state = (await client.get(f"/api/executions/{execution_id}")).json()
        if state["status"] in ("completed", "failed", "cancelled"):
            return state
        await asyncio.sleep(0.02)


async def test_a_failed_execution_is_resumed_with_an_override(ann: httpx.AsyncClient):
    failed = await broken(ann)
    answer = await ann.post(f"/api/executions/{failed['execution_id']}/resume", json={"overrides": {"sum": 3}})
    assert answer.status_code == 202, answer.text
    assert answer.json()["execution_id"] == failed["execution_id"]
    state = await ended(ann, failed["execution_id"])
    assert (state["status"], state["result"], state["error"]) == ("completed", "3!", None)
    assert state["node_states"]["first"] == failed["node_states"]["first"]
    assert_error(await ann.post(f"/api/executions/{failed['execution_id']}/resume"), 409, "NOT_RESUMABLE")


async def test_a_new_execution_runs_from_a_node(ann: httpx.AsyncClient):
    failed = await broken(ann)
    body = {"from_node": "last", "overrides": {"sum": 4}}
    answer = await ann.post(f"/api/executions/{failed['execution_id']}/resume", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.json()["execution_id"] != failed["execution_id"]
    state = await ended(ann, answer.json()["execution_id"])
    assert (state["status"], state["result"]) == ("completed", "4!")
    assert state["node_states"]["first"]["attempts"] == 0
    assert (await ended(ann, failed["execution_id"]))["status"] == "failed"


async def test_what_cannot_be_resumed_says_why(ann: httpx.AsyncClient):
    failed = await broken(ann)
    path = f"/api/executions/{failed['execution_id']}/resume"
    assert_error(await ann.post(path, json={"from_node": "nobody"}), 400, "UNKNOWN_NODE")
    assert_error(await ann.post(path, json={"overrides": {"first": 1}}), 400, "ALREADY_FINISHED")
    assert_error(await ann.post(path, json={"node": "first"}), 400)
    assert_error(await ann.post(path, json={"budget": {"nodes": 0}}), 400)
    assert (await ended(ann, failed["execution_id"]))["status"] == "failed"


async def test_until_pins_and_budget_shape_one_execution(ann: httpx.AsyncClient):
    execute = f"/api/workflows/{await store(ann, BREAKS)}/execute?wait=30"
    until = (await ann.post(execute, json={"until": "first"})).json()
    assert (until["status"], until["result"], set(until["node_states"])) == ("completed", {"first": "1"}, {"first"})
    pinned = (await ann.post(execute, json={"pins": {"sum": 9}})).json()
    assert (pinned["status"], pinned["result"]) == ("completed", "9!")
    spent = (await ann.post(execute, json={"pins": {"sum": 9}, "budget": {"nodes": 1}})).json()
    assert spent["error"]["code"] == "BUDGET_EXCEEDED"
    assert_error(await ann.post(execute, json={"until": "nobody"}), 400, "UNKNOWN_NODE")
    assert_error(await ann.post(execute, json={"pins": {"nobody": 1}}), 400, "UNKNOWN_NODE")
