"""Calls in executions that are stored: once done never done again, and the same key when they are begun again."""

from awe_app.adapters.http import HttpClient
from awe_app.domain.protocols import Capabilities
from tests.builders import graph, node
from tests.http_server import HttpServer, never, says
from tests.services.conftest import House

ORDER = {"method": "POST", "body": {"item": 1}}


async def test_a_call_that_was_done_is_not_made_again_and_one_in_flight_keeps_its_key(house: House) -> None:
    async with HttpServer(first=says("one"), second=never) as server:
        client = HttpClient([server.host])
        capabilities = Capabilities(models=None, http=client)  # type: ignore[arg-type]
        await house.stop()
        house.start(capabilities=capabilities)
        raw = graph(
            "first -> second",
            node("first", "http_request", {**ORDER, "url": f"{server.url}/first"}),
            node("second", "http_request", {**ORDER, "url": f"{server.url}/second"}),
        )
        stored = await house.workflows.create(house.user, raw)
        begun = await house.executions.start(house.user, stored.id, {})
        while len(server.asked) < 2:
            server.arrived.clear()
            await server.arrived.wait()
        await house.stop()

        server.answers["/second"] = says("two")
        house.start(capabilities=capabilities)
        await house.executions.adopt()
        ended = await house.executions.wait(house.user, begun.execution_id, 60)
        await client.stop()
    assert ended.status == "completed"
    assert [asked.target for asked in server.asked] == ["/first", "/second", "/second"]
    key = f"{begun.execution_id}:second:"
    assert [asked.headers["idempotency-key"] for asked in server.asked[1:]] == [key, key]
