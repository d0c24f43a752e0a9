"""Sharing: what each permission allows and what it does not, and that taking it back counts at once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from awe_app.adapters.share_store import ShareStore
from awe_app.composition import Running
from awe_app.domain.ids import UserId, WorkflowId, iso, utc_now
from awe_app.domain.sharing import Permission
from tests.api.answers import assert_error
from tests.api.conftest import SignUp
from tests.api.holding import Hold
from tests.builders import graph, node

PLAIN = graph("a -> end", node("end", "output", {"value": "done"}))
ASKING = graph("ask:approved -> end", node("ask", "approval", {"message": "Go on?"}), node("end", "output", {}))
HELD = graph("wait -> end", node("wait", "hold"), node("end", "output", {}))


@dataclass(frozen=True)
class Scene:
    """Ann's workflows, what she runs, and Bob, who wants something."""

    ann: httpx.AsyncClient
    bob: httpx.AsyncClient
    plain: str
    asking: str
    waiting: str
    """Ann's execution of ``asking``."""


async def store(client: httpx.AsyncClient, raw: Mapping[str, Any], **more: Any) -> str:
    answer = await client.post("/api/workflows", json={**raw, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def share(client: httpx.AsyncClient, workflow_id: str, user: str, permission: str, **more: Any) -> httpx.Response:
    body = {"workflow_id": workflow_id, "user": user, "permission": permission, **more}
    return await client.post("/api/sharing/share", json=body)


async def shared(client: httpx.AsyncClient, workflow_id: str, user: str = "bob", permission: str = "run") -> str:
    answer = await share(client, workflow_id, user, permission)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def until(client: httpx.AsyncClient, execution_id: str, status: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while (found := (await client.get(f"/api/executions/{execution_id}")).json())["status"] != status:
            await asyncio.sleep(0.02)
    return found


async def look(scene: Scene) -> httpx.Response:
    return await scene.bob.get(f"/api/workflows/{scene.plain}")


async def run(scene: Scene) -> httpx.Response:
    return await scene.bob.post(f"/api/workflows/{scene.plain}/execute", json={})


async def change(scene: Scene) -> httpx.Response:
    return await scene.bob.put(f"/api/workflows/{scene.plain}", json={**PLAIN, "description": "by Bob"})


async def publish(scene: Scene) -> httpx.Response:
    public = (await scene.ann.get(f"/api/workflows/{scene.plain}")).json()["is_public"]
    return await scene.bob.put(f"/api/workflows/{scene.plain}", json={**PLAIN, "is_public": not public})


async def pass_on(scene: Scene) -> httpx.Response:
    return await share(scene.bob, scene.plain, "carl", "view")


async def see_shares(scene: Scene) -> httpx.Response:
    return await scene.bob.get("/api/sharing", params={"workflow_id": scene.plain})


async def offer_as_tool(scene: Scene) -> httpx.Response:
    return await scene.bob.post("/api/settings/mcp/workflows", json={"workflow_ids": [scene.plain]})


async def look_at_execution(scene: Scene) -> httpx.Response:
    return await scene.bob.get(f"/api/executions/{scene.waiting}")


async def read_log(scene: Scene) -> httpx.Response:
    return await scene.bob.get(f"/api/executions/{scene.waiting}/logs")


async def send_event(scene: Scene) -> httpx.Response:
    return await scene.bob.post(f"/api/executions/{scene.waiting}/events/go", json={})


async def run_from(scene: Scene) -> httpx.Response:
    return await scene.bob.post(f"/api/executions/{scene.waiting}/resume", json={"from_node": "ask"})


async def answer(scene: Scene) -> httpx.Response:
    return await scene.bob.post(f"/api/executions/{scene.waiting}/approvals/ask", json={"decision": "approved"})


async def delete(scene: Scene) -> httpx.Response:
    return await scene.bob.delete(f"/api/workflows/{scene.plain}")


ROLES = ("stranger", "public", "view", "run", "edit", "owner")
MATRIX: Mapping[Callable[[Scene], Awaitable[httpx.Response]], tuple[int, ...]] = {
    # in this order for each of ROLES; deleting comes last
    look: (404, 200, 200, 200, 200, 200),
    run: (404, 202, 403, 202, 202, 202),
    change: (404, 403, 403, 403, 200, 200),
    publish: (404, 403, 403, 403, 403, 200),
    pass_on: (404, 403, 403, 403, 403, 201),
    see_shares: (404, 403, 403, 403, 403, 200),
    offer_as_tool: (404, 200, 403, 200, 200, 200),
    look_at_execution: (404, 404, 404, 404, 404, 200),
    read_log: (404, 404, 404, 404, 404, 200),
    send_event: (404, 404, 404, 404, 404, 202),
    run_from: (404, 404, 404, 404, 404, 202),
    answer: (404, 404, 404, 200, 200, 200),
    delete: (404, 403, 403, 403, 403, 204),
}


@pytest.mark.parametrize("role", ROLES)
async def test_each_permission_allows_this_and_nothing_else(sign_up: SignUp, role: str) -> None:
    ann, bob, _carl = await sign_up("ann"), await sign_up("bob"), await sign_up("carl")
    plain, asking = [await store(ann, raw, is_public=role == "public") for raw in (PLAIN, ASKING)]
    started = await ann.post(f"/api/workflows/{asking}/execute", json={})
    waiting = started.json()["execution_id"]
    await until(ann, waiting, "waiting")
    if role in ("view", "run", "edit"):
        for workflow_id in (plain, asking):
            await shared(ann, workflow_id, permission=role)
    scene = Scene(ann, ann if role == "owner" else bob, plain, asking, waiting)
    got = {}
    for action in MATRIX:
        response = await action(scene)
        if response.status_code >= 400:
            assert_error(response, response.status_code)
        got[action.__name__] = response.status_code
    assert got == {action.__name__: statuses[ROLES.index(role)] for action, statuses in MATRIX.items()}


async def test_a_share_is_shown_as_the_contract_says_and_sharing_again_changes_it(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    workflow_id = await store(ann, PLAIN)
    first = await share(ann, workflow_id, "BOB@example.org", "view")
    assert first.status_code == 201
    assert set(first.json()) == {"id", "workflow_id", "user", "permission", "created_at"}
    assert (first.json()["workflow_id"], first.json()["user"], first.json()["permission"]) == (
        workflow_id,
        "bob",
        "view",
    )
    again = await share(ann, workflow_id, "bob", "edit")
    assert again.json() == {**first.json(), "permission": "edit"}
    listed = (await ann.get("/api/sharing", params={"workflow_id": workflow_id})).json()
    assert listed == {"items": [again.json()], "total": 1, "limit": 50, "offset": 0}
    page = (await bob.get("/api/sharing/shared")).json()
    assert page["total"] == 1
    (item,) = page["items"]
    assert (item["id"], item["workflow_id"], item["name"], item["owner"], item["permission"], item["share_id"]) == (
        workflow_id,
        workflow_id,
        "Test",
        "ann",
        "edit",
        again.json()["id"],
    )
    assert (await ann.get("/api/sharing/shared")).json()["items"] == []
    assert (await bob.get("/api/workflows")).json()["items"] == []  # the list of own ones


async def test_what_cannot_be_shared_is_refused(ann: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    workflow_id = await store(ann, PLAIN)
    assert_error(await share(ann, workflow_id, "ann", "view"), 400)
    assert_error(await share(ann, workflow_id, "ann@example.org", "view"), 400)
    assert_error(await share(ann, workflow_id, "nobody", "view"), 404, "USER_NOT_FOUND")
    assert_error(await share(ann, "unheard-of", "bob", "view"), 404, "WORKFLOW_NOT_FOUND")
    assert_error(await share(bob, workflow_id, "ann", "view"), 404, "WORKFLOW_NOT_FOUND")
    for permission in ("owner", "none", "", "RUN", None, 2):
        assert_error(await share(ann, workflow_id, "bob", permission), 400)  # type: ignore[arg-type]
    for moment in (iso(utc_now() - timedelta(seconds=1)), "2099-01-01T00:00:00", "soon", 7, ""):
        assert_error(await share(ann, workflow_id, "bob", "view", expires_at=moment), 400)
    assert_error(await ann.get("/api/sharing"), 400)
    assert_error(await ann.delete("/api/sharing/unheard-of"), 404, "SHARE_NOT_FOUND")
    assert (await bob.get("/api/sharing/shared")).json()["total"] == 0


async def test_only_the_owner_and_who_has_it_can_end_a_share(sign_up: SignUp) -> None:
    ann, bob, carl = await sign_up("ann"), await sign_up("bob"), await sign_up("carl")
    workflow_id = await store(ann, PLAIN)
    bobs, carls = [await shared(ann, workflow_id, user, "edit") for user in ("bob", "carl")]
    assert_error(await carl.delete(f"/api/sharing/{bobs}"), 404, "SHARE_NOT_FOUND")
    assert (await bob.delete(f"/api/sharing/{bobs}")).status_code == 204
    assert_error(await bob.delete(f"/api/sharing/{bobs}"), 404, "SHARE_NOT_FOUND")
    assert (await ann.delete(f"/api/sharing/{carls}")).status_code == 204
    for client in (bob, carl):
        assert_error(await client.get(f"/api/workflows/{workflow_id}"), 404)
        assert_error(await client.post(f"/api/workflows/{workflow_id}/execute", json={}), 404)
        assert_error(await client.put(f"/api/workflows/{workflow_id}", json=PLAIN), 404)


async def test_who_runs_a_shared_workflow_owns_the_execution_and_its_owner_does_not_see_it(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    workflow_id = await store(ann, PLAIN)
    share_id = await shared(ann, workflow_id)
    ran = (await bob.post(f"/api/workflows/{workflow_id}/execute?wait=30", json={})).json()
    assert (ran["status"], ran["result"]) == ("completed", "done")
    assert ran["user_id"] == (await bob.get("/api/auth/me")).json()["id"]
    address = f"/api/executions/{ran['execution_id']}"
    assert (await bob.get(address)).status_code == 200
    assert_error(await ann.get(address), 404)
    assert (await ann.get("/api/executions")).json()["total"] == 0
    assert (await bob.get("/api/executions")).json()["total"] == 1
    await ann.delete(f"/api/sharing/{share_id}")
    for part in ("", "/logs", "/nodes", "/transcript"):
        assert_error(await bob.get(address + part), 404, "EXECUTION_NOT_FOUND")
    for change in ("cancel", "resume", "events/go"):
        assert_error(await bob.post(f"{address}/{change}", json={} if change != "cancel" else None), 404)
    assert (await bob.get("/api/executions")).json() == {"items": [], "total": 0, "limit": 50, "offset": 0}
    await shared(ann, workflow_id, permission="view")
    assert (await bob.get(address)).status_code == 200  # hidden, not lost
    assert_error(await bob.post(f"{address}/resume", json={"from_node": "end"}), 403, "NOT_ALLOWED")
    await ann.delete(f"/api/workflows/{workflow_id}")
    assert (await bob.get(address)).json()["result"] == "done"


@pytest.mark.parametrize("how", ["revoked", "lowered"])
async def test_taking_it_back_stops_what_runs(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient, hold: type[Hold], how: str
) -> None:
    workflow_id = await store(ann, HELD)
    share_id = await shared(ann, workflow_id)
    execution_id = (await bob.post(f"/api/workflows/{workflow_id}/execute", json={})).json()["execution_id"]
    await asyncio.wait_for(hold.reached.wait(), 20)
    if how == "revoked":
        assert (await ann.delete(f"/api/sharing/{share_id}")).status_code == 204
        assert_error(await bob.get(f"/api/executions/{execution_id}"), 404)
    await shared(ann, workflow_id, permission="view")
    stopped = await until(bob, execution_id, "cancelled")
    assert stopped["node_states"]["wait"]["status"] == "cancelled"


async def test_taking_it_back_leaves_what_a_public_workflow_allows(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient, hold: type[Hold]
) -> None:
    workflow_id = await store(ann, HELD, is_public=True)
    share_id = await shared(ann, workflow_id, permission="edit")
    started = (await bob.post(f"/api/workflows/{workflow_id}/execute", json={})).json()
    await asyncio.wait_for(hold.reached.wait(), 20)
    await ann.delete(f"/api/sharing/{share_id}")
    hold.released.set()
    await until(bob, started["execution_id"], "completed")


async def test_a_share_that_has_expired_counts_as_none(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient, awe: Running
) -> None:
    workflow_id = await store(ann, PLAIN)
    later = iso(utc_now() + timedelta(hours=1))
    made = (await share(ann, workflow_id, "bob", "edit", expires_at=later)).json()
    assert made["expires_at"] == later
    ran = (await bob.post(f"/api/workflows/{workflow_id}/execute?wait=30", json={})).json()
    bob_id = UserId((await bob.get("/api/auth/me")).json()["id"])
    over = utc_now() - timedelta(seconds=1)
    await ShareStore(awe.database).put(WorkflowId(workflow_id), bob_id, Permission.EDIT, over)
    assert_error(await bob.get(f"/api/workflows/{workflow_id}"), 404)
    assert_error(await bob.put(f"/api/workflows/{workflow_id}", json=PLAIN), 404)
    assert_error(await bob.post(f"/api/workflows/{workflow_id}/execute", json={}), 404)
    assert_error(await bob.get(f"/api/executions/{ran['execution_id']}"), 404)
    assert (await bob.get("/api/executions")).json()["total"] == 0
    assert (await bob.get("/api/sharing/shared")).json()["total"] == 0
    listed = (await ann.get("/api/sharing", params={"workflow_id": workflow_id})).json()
    assert [each["id"] for each in listed["items"]] == [made["id"]]
    assert (await share(ann, workflow_id, "bob", "view")).json()["id"] == made["id"]
    assert (await bob.get(f"/api/workflows/{workflow_id}")).status_code == 200


async def test_sharing_and_revoking_at_the_same_time_end_in_one_share_or_none(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    workflow_id = await store(ann, PLAIN)
    levels = ("view", "run", "edit") * 4
    made = await asyncio.gather(*(share(ann, workflow_id, "bob", level) for level in levels))
    assert {each.status_code for each in made} == {201}
    assert len({each.json()["id"] for each in made}) == 1
    share_id = made[0].json()["id"]
    ended = await asyncio.gather(*(client.delete(f"/api/sharing/{share_id}") for client in (ann, bob) * 3))
    assert sorted(each.status_code for each in ended) == [204] + [404] * 5
    assert (await ann.get("/api/sharing", params={"workflow_id": workflow_id})).json()["total"] == 0


async def test_two_who_may_edit_do_not_overwrite_each_other(ann: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    workflow_id = await store(ann, PLAIN)
    await shared(ann, workflow_id, permission="edit")
    read = (await bob.get(f"/api/workflows/{workflow_id}")).json()
    files = [{**read, "description": name} for name in ("ann", "bob")]
    saved = await asyncio.gather(
        *(
            client.put(f"/api/workflows/{workflow_id}", json=file, headers={"If-Match": str(read["version"])})
            for client, file in zip((ann, bob), files, strict=True)
        )
    )
    assert sorted(each.status_code for each in saved) == [200, 409]
    assert (await ann.get(f"/api/workflows/{workflow_id}")).json()["owner_id"] == read["owner_id"]


async def test_a_workflow_of_somebody_else_runs_inside_ones_own_only_with_run(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    inner = await store(ann, PLAIN)
    outer = await store(bob, graph("sub", node("sub", "subworkflow", {"workflow_id": inner})))
    for permission, expected in ((None, "WORKFLOW_NOT_FOUND"), ("view", "NOT_ALLOWED"), ("run", "completed")):
        if permission is not None:
            await shared(ann, inner, permission=permission)
        ended = (await bob.post(f"/api/workflows/{outer}/execute?wait=30", json={})).json()
        sub = ended["node_states"]["sub"]
        assert (sub["error"] or {}).get("code", sub["status"]) == expected
    assert sub["output"] == "done"


async def test_whom_a_run_is_shared_with_answers_and_sees_nothing_else_of_it(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    secretive = graph(
        "before -> ask; ask:approved -> end",
        node("before", "template", {"template": "Ann's own"}),
        node("ask", "approval", {"message": "Go on?"}),
        node("end", "output", {"value": "{{ nodes.before.output }}"}),
    )
    workflow_id = await store(ann, secretive)
    await shared(ann, workflow_id)
    execution_id = (await ann.post(f"/api/workflows/{workflow_id}/execute", json={})).json()["execution_id"]
    await until(ann, execution_id, "waiting")
    answered = await bob.post(f"/api/executions/{execution_id}/approvals/ask", json={"decision": "approved"})
    assert answered.status_code == 200
    assert set(answered.json()["node_states"]) <= {"ask"}
    assert answered.json()["result"] is None
    assert answered.json()["logs"] == []
    ended = await until(ann, execution_id, "completed")
    assert ended["node_states"]["ask"]["output"]["by"] == "bob"


async def test_bulk_deleting_takes_only_ones_own(ann: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    workflow_id = await store(ann, PLAIN)
    await shared(ann, workflow_id, permission="edit")
    gone = (await bob.post("/api/workflows/bulk-delete", json={"ids": [workflow_id]})).json()
    assert gone == {"deleted": [], "not_found": [workflow_id]}
    assert (await ann.delete(f"/api/workflows/{workflow_id}")).status_code == 204
    assert (await bob.get("/api/sharing/shared")).json()["total"] == 0
