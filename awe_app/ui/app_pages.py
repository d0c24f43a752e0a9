"""Every page of AWE, put into the app; what this module does not import is not compiled."""

from collections.abc import Callable

import reflex as rx

from awe_app.ui import routes, tabs
from awe_app.ui.pages.builder import ON_LOAD, builder
from awe_app.ui.pages.chat import chat
from awe_app.ui.pages.chat_state import ChatState
from awe_app.ui.pages.collection import ON_LOAD as COLLECTION_ON_LOAD
from awe_app.ui.pages.collection import collection
from awe_app.ui.pages.execution import ExecutionPageState, execution
from awe_app.ui.pages.executions import ExecutionListState, executions
from awe_app.ui.pages.forgot_password import ForgotPasswordState, forgot_password
from awe_app.ui.pages.knowledge import knowledge
from awe_app.ui.pages.knowledge_state import KnowledgeState
from awe_app.ui.pages.login import LoginState, login
from awe_app.ui.pages.mcp_settings_state import McpState
from awe_app.ui.pages.memories import ON_LOAD as MEMORIES_ON_LOAD
from awe_app.ui.pages.memories import memories
from awe_app.ui.pages.not_found import not_found
from awe_app.ui.pages.providers_state import ProvidersState
from awe_app.ui.pages.register import RegisterState, register
from awe_app.ui.pages.reset_password import ResetPasswordState, reset_password
from awe_app.ui.pages.secrets_state import SecretsState
from awe_app.ui.pages.settings import settings
from awe_app.ui.pages.settings_state import ProfileState
from awe_app.ui.pages.shared import SharedState, shared
from awe_app.ui.pages.templates import TemplateGalleryState, templates
from awe_app.ui.pages.workflows import workflows
from awe_app.ui.pages.workflows_state import WorkflowListState
from awe_app.ui.session import SessionState

DESCRIPTION = "Build workflows of agents, run them on your own machine, watch every step."


def add_pages(app: rx.App) -> None:
    """Register all pages, as functions: a server that has them built already never calls these."""
    tabs.watch(app)

    def add(page: Callable[[], rx.Component], route: str, title: str, on_load: rx.event.EventType[()]) -> None:
        app.add_page(page, route=route, title=f"{title} · AWE", description=DESCRIPTION, on_load=on_load)

    add(workflows, routes.HOME, "Workflows", SessionState.go_home)
    add(workflows, routes.WORKFLOWS, "Workflows", WorkflowListState.load)
    add(shared, routes.SHARED, "Shared with me", SharedState.load)
    add(builder, routes.WORKFLOW, "Workflow", ON_LOAD)
    add(chat, routes.CHAT, "Chat", ChatState.open_chat)
    add(login, routes.LOGIN, "Sign in", LoginState.arrive)
    add(register, routes.REGISTER, "Create an account", RegisterState.arrive)
    add(forgot_password, routes.FORGOT_PASSWORD, "Forgot your password", ForgotPasswordState.arrive)
    add(reset_password, routes.RESET_PASSWORD, "Choose a new password", ResetPasswordState.arrive)
    add(executions, routes.EXECUTIONS, "Executions", ExecutionListState.load)
    add(execution, routes.EXECUTION, "Execution", ExecutionPageState.load)
    add(templates, routes.TEMPLATES, "Templates", TemplateGalleryState.load)
    add(knowledge, routes.KNOWLEDGE, "Knowledge", KnowledgeState.load)
    add(memories, routes.MEMORIES, "Memories", MEMORIES_ON_LOAD)
    add(collection, routes.COLLECTION, "Collection", COLLECTION_ON_LOAD)
    for route in (routes.SETTINGS, routes.settings("profile")):
        add(lambda: settings("profile"), route, "Profile", ProfileState.load)
    add(lambda: settings("appearance"), routes.settings("appearance"), "Appearance", SessionState.require_user)
    add(lambda: settings("models"), routes.settings("models"), "Model providers", ProvidersState.load)
    add(lambda: settings("secrets"), routes.settings("secrets"), "Secrets", SecretsState.load)
    add(lambda: settings("mcp"), routes.settings("mcp"), "MCP", McpState.load)
    app.add_page(not_found, route="404", title="Not found · AWE", description=DESCRIPTION)
