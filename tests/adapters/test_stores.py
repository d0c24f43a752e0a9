"""Accounts, workflows, executions and settings in the database."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text

from awe_app.adapters.db import Database
from awe_app.adapters.execution_store import ExecutionStore
from awe_app.adapters.journal import NewExecution, SqlJournal
from awe_app.adapters.settings_store import SettingsStore
from awe_app.adapters.user_store import UserStore
from awe_app.adapters.workflow_store import WorkflowStore
from awe_app.domain.accounts import User
from awe_app.domain.errors import Conflict, Invalid, NotFound
from awe_app.domain.ids import ExecutionId, UserId, WorkflowId, new_id, utc_now
from awe_app.domain.pages import PageQuery
from awe_app.domain.workflow import Workflow
from tests.adapters.history import begin, completed, started

TOMORROW = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
async def ann(users: UserStore) -> User:
    return await users.add("Ann", "ann@example.org", "hash of ann")


@pytest.fixture
async def ben(users: UserStore) -> User:
    return await users.add("Ben", "ben@example.org", "hash of ben")


def named(name: str, description: str = "") -> Workflow:
    return Workflow.model_validate({"name": name, "description": description})


async def test_an_account_is_found_by_id_name_and_address_in_any_case(users: UserStore) -> None:
    user = await users.add("Ännchen", "Post@Example.org", "hash")
    assert await users.by_id(user.id) == user
    assert user.created_at.tzinfo is UTC
    for identity in ("Ännchen", "äNNCHEN", "post@example.ORG"):
        assert await users.credentials(identity) == (user, "hash")
    assert await users.by_id(UserId(new_id())) is None
    assert await users.credentials("nobody") is None


@pytest.mark.parametrize(
    ("username", "email", "code"),
    [
        ("ann", "new@example.org", "USERNAME_TAKEN"),
        ("ANN", "new@example.org", "USERNAME_TAKEN"),
        ("new", "ANN@example.org", "EMAIL_TAKEN"),
        ("Ann", "ann@example.org", "USERNAME_TAKEN"),
    ],
)
async def test_a_taken_name_or_address_is_refused(
    users: UserStore, ann: User, username: str, email: str, code: str
) -> None:
    with pytest.raises(Conflict) as caught:
        await users.add(username, email, "hash")
    assert caught.value.code == code


async def test_of_many_who_want_a_name_at_once_one_gets_it(users: UserStore) -> None:
    tries = (users.add("ann", f"{k}@example.org", "hash") for k in range(8))
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, User) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 7


async def test_a_name_that_reads_like_an_address_does_not_take_its_place(users: UserStore, ann: User) -> None:
    await users.add("ann@example.org", "other@example.org", "hash of other")
    assert await users.credentials("ann@example.org") == (ann, "hash of ann")


@pytest.mark.parametrize("hostile", ["\x00", "a\x00b", "\ud800", "' OR 1=1 --", "x" * 100_000])
async def test_text_no_database_can_hold_finds_nothing(
    users: UserStore, workflows: WorkflowStore, executions: ExecutionStore, journal: SqlJournal, ann: User, hostile: str
) -> None:
    assert await users.credentials(hostile) is None
    assert await users.by_id(UserId(hostile)) is None
    assert await users.session(hostile) is None
    assert await workflows.get(WorkflowId(hostile)) is None
    assert (await workflows.list(ann.id, PageQuery(q=hostile))).items == []
    assert await workflows.delete([WorkflowId(hostile)], ann.id) == set()
    assert await executions.summary(ExecutionId(hostile)) is None
    assert await executions.claim(ExecutionId(hostile)) is None
    assert await executions.by_idempotency_key(ann.id, hostile) is None
    assert await journal.read(ExecutionId(hostile)) == []


async def test_a_session_lives_until_it_is_closed(users: UserStore, ann: User) -> None:
    session_id = await users.open_session(ann.id, "h1", TOMORROW)
    assert await users.session(session_id) == (ann, "h1", TOMORROW)
    await users.close_session(session_id)
    await users.close_session(session_id)
    assert await users.session(session_id) is None
    assert await users.rotate_session(session_id, "h1", "h2") is False
    assert await users.session(new_id()) is None


async def test_a_refresh_token_is_exchanged_once(users: UserStore, ann: User) -> None:
    session_id = await users.open_session(ann.id, "h1", TOMORROW)
    outcomes = await asyncio.gather(*(users.rotate_session(session_id, "h1", f"h{k}") for k in range(2, 8)))
    assert sorted(outcomes) == [False] * 5 + [True]
    found = await users.session(session_id)
    assert found is not None
    assert found[1] == f"h{outcomes.index(True) + 2}"


async def test_an_expired_session_is_none_and_is_cleared_away(users: UserStore, database: Database, ann: User) -> None:
    expired = await users.open_session(ann.id, "h", utc_now() - timedelta(seconds=1))
    assert await users.session(expired) is None
    assert await users.rotate_session(expired, "h", "h2") is False
    await users.open_session(ann.id, "h", TOMORROW)
    async with database.sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM sessions")) == 1


async def test_times_are_utc_whatever_zone_they_came_in(users: UserStore, ann: User) -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    session_id = await users.open_session(ann.id, "h", datetime(2100, 1, 1, 5, 30, 0, 123456, tzinfo=there))
    found = await users.session(session_id)
    assert found is not None
    assert found[2] == datetime(2100, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
    assert found[2].tzinfo is UTC


async def test_a_workflow_comes_back_as_it_was(workflows: WorkflowStore, ann: User) -> None:
    file = {
        "name": "Brief \x00 \U0001f600",
        "description": None,
        "variables": {"b": 1, "a": [None, 1.5, "\ud800", {"x": True}]},
        "nodes": [{"id": "writer", "type": "agent", "agent_config": {"user_prompt": "{{ inputs.topic }}"}}],
    }
    workflow = Workflow.model_validate(file)
    stored = await workflows.add(ann.id, workflow)
    assert (stored.version, stored.owner_id, stored.is_public) == (1, ann.id, False)
    found = await workflows.get(stored.id)
    assert found is not None
    assert found == stored
    assert found.workflow == workflow
    assert list(found.workflow.variables) == ["b", "a"]
    assert found.created_at.tzinfo is UTC


async def test_each_update_is_the_next_version(workflows: WorkflowStore, ann: User) -> None:
    first = await workflows.add(ann.id, named("One"))
    second = await workflows.update(first.id, named("Two"), 1)
    third = await workflows.update(first.id, named("Three"), None)
    assert [second.version, third.version] == [2, 3]
    assert third.created_at == first.created_at
    assert third.updated_at > second.updated_at > first.updated_at
    assert await workflows.get(first.id) == third
    with pytest.raises(Conflict, match=r"STALE_VERSION: the workflow is at version 3 and you changed version 2"):
        await workflows.update(first.id, named("Four"), 2)
    with pytest.raises(NotFound, match="WORKFLOW_NOT_FOUND"):
        await workflows.update(WorkflowId(new_id()), named("Five"), 1)


async def test_of_many_who_save_the_same_version_one_wins(workflows: WorkflowStore, ann: User) -> None:
    stored = await workflows.add(ann.id, named("One"))
    saves = (workflows.update(stored.id, named(str(k)), 1) for k in range(8))
    outcomes = await asyncio.gather(*saves, return_exceptions=True)
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 7
    found = await workflows.get(stored.id)
    assert found is not None
    assert found.version == 2


async def test_a_list_shows_the_owners_workflows_in_pages(workflows: WorkflowStore, ann: User, ben: User) -> None:
    for name in ("delta", "Alpha", "charlie", "Bravo", "echo"):
        await workflows.add(ann.id, named(name))
    await workflows.add(ben.id, named("not hers"))

    async def names(**query: object) -> list[str]:
        page = await workflows.list(ann.id, PageQuery(**query))  # type: ignore[arg-type]
        assert page.total == 5
        return [stored.workflow.name for stored in page.items]

    assert await names() == ["echo", "Bravo", "charlie", "Alpha", "delta"]
    assert await names(sort="created_at") == ["delta", "Alpha", "charlie", "Bravo", "echo"]
    assert await names(sort="name") == ["Alpha", "Bravo", "charlie", "delta", "echo"]
    assert await names(sort="-name", limit=2, offset=1) == ["delta", "charlie"]
    assert await names(offset=4) == ["delta"]
    assert await names(offset=5) == []
    with pytest.raises(Invalid, match="BAD_SORT"):
        await names(sort="definition")


async def test_changing_a_workflow_brings_it_to_the_top(workflows: WorkflowStore, ann: User) -> None:
    old = await workflows.add(ann.id, named("old"))
    await workflows.add(ann.id, named("new"))
    await workflows.update(old.id, named("old, changed"), None)
    page = await workflows.list(ann.id, PageQuery())
    assert [stored.workflow.name for stored in page.items] == ["old, changed", "new"]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("übung", ["Zweite Übung"]),
        ("ÜBUNG", ["Zweite Übung"]),
        ("straße", ["STRASSE"]),
        ("100%", ["100% sure"]),
        ("_", ["snake_case"]),
        ("a\\b", ["back"]),
        ("  sure ", ["100% sure"]),
        ("nothing", []),
    ],
)
async def test_search_looks_through_names_and_descriptions_in_any_case(
    workflows: WorkflowStore, ann: User, q: str, expected: list[str]
) -> None:
    for name, description in (
        ("Zweite Übung", ""), ("STRASSE", ""), ("100% sure", ""), ("snake_case", ""), ("back", "a\\b"), ("1000", ""),
    ):  # fmt: skip
        await workflows.add(ann.id, named(name, description))
    page = await workflows.list(ann.id, PageQuery(q=q))
    assert [stored.workflow.name for stored in page.items] == expected
    assert page.total == len(expected)


async def test_only_the_owner_deletes(workflows: WorkflowStore, ann: User, ben: User) -> None:
    hers, his = await workflows.add(ann.id, named("hers")), await workflows.add(ben.id, named("his"))
    unknown = [WorkflowId(new_id()) for _ in range(1_200)]
    assert await workflows.delete([*unknown, hers.id, his.id, hers.id], ann.id) == {hers.id}
    assert await workflows.get(hers.id) is None
    assert await workflows.get(his.id) == his


async def test_executions_outlive_their_workflow(
    workflows: WorkflowStore,
    executions: ExecutionStore,
    journal: SqlJournal,
    ann: User,
    new: Callable[..., NewExecution],
) -> None:
    stored = await workflows.add(ann.id, named("Letter"))
    execution = new(workflow_id=stored.id, user_id=ann.id)
    recorder = await begin(journal, execution)
    await workflows.delete([stored.id], ann.id)
    recorder.append(started())
    recorder.append(completed(2))
    await recorder.durable(2)
    summary = await executions.summary(execution.execution_id)
    assert summary is not None
    assert (summary.workflow_id, summary.workflow_name, summary.status) == (None, "Letter", "completed")
    assert await executions.snapshot(execution.execution_id) == execution.workflow
    with pytest.raises(NotFound, match="EXECUTION_NOT_FOUND"):
        await executions.snapshot(ExecutionId(new_id()))


async def test_executions_are_listed_by_owner_workflow_status_and_name(
    workflows: WorkflowStore,
    executions: ExecutionStore,
    journal: SqlJournal,
    ann: User,
    ben: User,
    new: Callable[..., NewExecution],
) -> None:
    letter = await workflows.add(ann.id, named("Letter"))
    of_letter = new("Letter", workflow_id=letter.id, user_id=ann.id)
    of_brief, of_ben = new("Brief", user_id=ann.id), new("Letter", user_id=ben.id)
    for execution in (of_letter, of_brief, of_ben):
        recorder = await begin(journal, execution)
    recorder = journal.recorder(of_letter.execution_id, 1)
    recorder.append(started())
    recorder.append(completed(2))
    await recorder.durable(2)

    async def ids(user: User, query: PageQuery | None = None, **filters: object) -> list[str]:
        page = await executions.list(user.id, query or PageQuery(), **filters)  # type: ignore[arg-type]
        assert page.total == len(page.items)
        return [summary.execution_id for summary in page.items]

    first, second = of_letter.execution_id, of_brief.execution_id
    assert await ids(ann) == [second, first]
    assert await ids(ann, PageQuery(sort="created_at")) == [first, second]
    assert await ids(ann, PageQuery(sort="name")) == [second, first]
    assert await ids(ann, PageQuery(q="LETT")) == [first]
    assert await ids(ann, workflow_id=letter.id) == [first]
    assert await ids(ann, status="pending") == [second]
    assert await ids(ann, status="completed") == [first]
    assert await ids(ben) == [of_ben.execution_id]
    assert [ticket.execution_id for ticket in await executions.unfinished()] == [second, of_ben.execution_id]


async def test_of_many_who_claim_each_gets_an_epoch_of_its_own(
    executions: ExecutionStore, journal: SqlJournal, new: Callable[..., NewExecution]
) -> None:
    execution = new(inputs={"topic": "ants"})
    await journal.create(execution)
    claims = await asyncio.gather(*(executions.claim(execution.execution_id) for _ in range(6)))
    assert sorted(claim.epoch for claim in claims if claim) == [2, 3, 4, 5, 6, 7]
    assert all(claim and claim.inputs == {"topic": "ants"} for claim in claims)
    assert await executions.claim(ExecutionId(new_id())) is None


async def test_settings_are_replaced_as_a_whole(settings: SettingsStore, ann: User, ben: User) -> None:
    assert await settings.get(ann.id) == {}
    await settings.put(ann.id, {"default_model": "a/b", "providers": []})
    await asyncio.gather(*(settings.put(ann.id, {"providers": [{"id": str(k)}]}) for k in range(5)))
    await settings.put(ann.id, {"providers": [{"id": "x"}]})
    assert await settings.get(ann.id) == {"providers": [{"id": "x"}]}
    assert await settings.get(ben.id) == {}


async def test_error_messages_hold_no_parameters(users: UserStore) -> None:
    from sqlalchemy.exc import IntegrityError

    with pytest.raises(IntegrityError) as caught:
        await users.open_session(UserId(new_id()), "very-secret-hash", TOMORROW)
    assert "very-secret-hash" not in str(caught.value)
