"""Builds a running AWE out of its parts, and takes it down again. Nothing is made before ``start``: workers fork."""

import asyncio
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from awe_app.adapters.answer_cache import AnswerCache
from awe_app.adapters.api_key_store import ApiKeyStore
from awe_app.adapters.bus import MemoryBus
from awe_app.adapters.chat_store import ChatStore
from awe_app.adapters.child_store import ChildStore
from awe_app.adapters.crypto import Secrets
from awe_app.adapters.db import Database, upgrade
from awe_app.adapters.dispatch import Dispatcher, Drives, Limits
from awe_app.adapters.dispatch_embedded import EmbeddedDispatcher
from awe_app.adapters.execution_store import ExecutionStore
from awe_app.adapters.journal import SqlJournal
from awe_app.adapters.knowledge_store import KnowledgeStore
from awe_app.adapters.llm import warm_litellm
from awe_app.adapters.local_model import LocalModel
from awe_app.adapters.mail import Mailer
from awe_app.adapters.mcp_client import McpClients
from awe_app.adapters.mcp_store import McpStore
from awe_app.adapters.model_access import NEED_LITELLM
from awe_app.adapters.model_directory import Models
from awe_app.adapters.provider_access import ProviderAccess
from awe_app.adapters.reset_store import ResetStore
from awe_app.adapters.retention import Retention
from awe_app.adapters.secret_store import SecretStore
from awe_app.adapters.settings_store import SettingsStore
from awe_app.adapters.share_store import ShareStore
from awe_app.adapters.tokens import TokenSigner
from awe_app.adapters.user_store import UserStore
from awe_app.adapters.workflow_store import WorkflowStore
from awe_app.domain.ids import new_id
from awe_app.nodes.registry import discover
from awe_app.outside import Outside
from awe_app.services import Services
from awe_app.services.access import Access
from awe_app.services.accounts import Accounts
from awe_app.services.api_keys import ApiKeys
from awe_app.services.catalog import Catalog
from awe_app.services.chats import Chats
from awe_app.services.executions import Executions
from awe_app.services.files import Files
from awe_app.services.indexing import Indexer, Sources
from awe_app.services.knowledge import Knowledge
from awe_app.services.mcp import Mcp
from awe_app.services.mcp_tools import McpTools
from awe_app.services.memories import Memories
from awe_app.services.password_reset import PasswordReset
from awe_app.services.plans import Plans
from awe_app.services.readiness import Readiness
from awe_app.services.secrets import UserSecretsPage
from awe_app.services.settings import Settings
from awe_app.services.sharing import Sharing
from awe_app.services.templates import Templates
from awe_app.services.workflows import Workflows
from awe_app.settings import Environment

WARM_AFTER_S = 3
"""By then the first requests are answered, which loading litellm would slow down."""
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(slots=True)
class Running:
    """A running AWE in this process."""

    services: Services
    database: Database
    journal: SqlJournal
    local_model: LocalModel
    models: Models
    bus: MemoryBus
    outside: Outside
    indexer: Indexer
    retention: Retention | None

    async def stop(self, grace_s: float = 0) -> None:
        """Let what runs go on for ``grace_s`` seconds, write what is queued, close everything.

        What is unfinished then is adopted: by another process at once, else at the next start.
        """
        if self.retention is not None:
            await asyncio.to_thread(self.retention.stop)
        await self.services.executions.stop(grace_s)
        await self.indexer.stop()
        await asyncio.to_thread(self.journal.stop)
        await self.bus.stop()
        await self.local_model.stop()
        await self.models.stop()
        await self.outside.stop()
        await self.database.stop()


async def start(environment: Environment) -> Running:
    """Migrate the database, build the services and take up what is unfinished."""
    await upgrade(environment.database_url)
    database = Database(environment.database_url)
    await database.start()
    bus = await _bus(environment)
    journal = SqlJournal(environment.database_url, bus.publish)
    journal.start(asyncio.get_running_loop())
    node_types = discover()
    secrets = Secrets(environment.secret_key)
    settings_store = SettingsStore(database)
    local_model = LocalModel()
    outside = Outside(environment, ProviderAccess(settings_store, secrets))
    secret_store = SecretStore(database, secrets)
    answers = AnswerCache(environment.data_dir, secrets)
    models = Models(settings_store, secrets, local_model, environment.allowed_hosts, answers)
    store = ExecutionStore(database, None if database.is_sqlite else new_id())
    workflow_store, share_store, users = WorkflowStore(database), ShareStore(database), UserStore(database)
    access = Access(workflow_store, share_store)
    workflows = Workflows(workflow_store, access, node_types)
    mcp_store = McpStore(database)
    accounts = Accounts(users, TokenSigner(environment.jwt_secret_key))
    knowledge_store = KnowledgeStore(database)
    indexer = Indexer(knowledge_store, Sources(outside.knowledge, outside.documents, outside.http))
    executions = Executions(
        workflows=workflows,
        store=store,
        children=ChildStore(database),
        journal=journal,
        bus=bus,
        plans=Plans(node_types),
        capabilities=outside.capabilities(models, secret_store, McpClients(mcp_store, secrets, outside.mcp_sessions)),
        dispatcher=lambda drives: _dispatcher(environment, drives, store, bus),
    )
    api_keys = ApiKeys(ApiKeyStore(database))
    knowledge = Knowledge(knowledge_store, outside.knowledge, outside.embedders, indexer)
    services = Services(
        accounts=accounts,
        workflows=workflows,
        executions=executions,
        sharing=Sharing(share_store, users, access, workflows, executions),
        chats=Chats(workflows, executions, ChatStore(database)),
        catalog=Catalog(node_types, models),
        templates=Templates(TEMPLATES, workflows, knowledge),
        settings=Settings(settings_store, secrets, models),
        readiness=Readiness(accounts, outside.sandbox),
        mcp=Mcp(mcp_store, secrets, outside.mcp_sessions, workflows, environment.public_url),
        mcp_tools=McpTools(mcp_store, workflows, executions, environment.public_url),
        secrets=UserSecretsPage(secret_store),
        files=Files(outside.files, environment.max_upload_mb * 1024**2, environment.max_user_files_mb * 1024**2),
        memories=Memories(outside.memory),
        knowledge=knowledge,
        api_keys=api_keys,
        password_reset=PasswordReset(
            ResetStore(database),
            (accounts.forget, api_keys.forget),
            Mailer(environment.smtp_url),
            environment.public_url,
        ),
    )
    asyncio.get_running_loop().run_in_executor(None, import_module, "networkx")  # so that no first validation waits
    if await settings_store.any_provider(NEED_LITELLM):
        asyncio.get_running_loop().call_later(WARM_AFTER_S, warm_litellm)
    await services.executions.adopt()
    if database.is_sqlite:
        await knowledge_store.release_all()
    indexer.start()
    return Running(services, database, journal, local_model, models, bus, outside, indexer, _retention(environment))


async def _bus(environment: Environment) -> MemoryBus:
    if environment.redis_url is None:
        return MemoryBus()
    from awe_app.adapters.bus_redis import RedisBus

    bus = RedisBus(environment.redis_url)
    await bus.start()
    return bus


def _dispatcher(environment: Environment, drives: Drives, store: ExecutionStore, bus: MemoryBus) -> Dispatcher:
    limits = Limits(
        here=environment.max_concurrent_executions,
        per_user=environment.max_concurrent_per_user,
        everywhere=environment.max_concurrent_total,
    )
    if store.driver is None:
        return EmbeddedDispatcher(drives.drive, limits, store)
    from awe_app.adapters.dispatch_dbos import DbosDispatcher

    return DbosDispatcher(drives, limits, environment.database_url, store.driver, bus)


def _retention(environment: Environment) -> Retention | None:
    if not environment.keep_executions_days:
        return None
    retention = Retention(environment.database_url, environment.keep_executions_days)
    retention.start()
    return retention
