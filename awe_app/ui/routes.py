"""Every address of the browser's pages, and how to build a link to one."""

from urllib.parse import quote

HOME = "/"
LOGIN = "/login"
REGISTER = "/register"
FORGOT_PASSWORD = "/forgot-password"  # noqa: S105 - an address
RESET_PASSWORD = "/reset-password"  # noqa: S105 - an address
WORKFLOWS = "/workflows"
SHARED = "/shared"
WORKFLOW = "/workflows/[workflow_id]"
CHAT = "/workflows/[workflow_id]/chat"
EXECUTIONS = "/executions"
EXECUTION = "/executions/[execution_id]"
TEMPLATES = "/templates"
KNOWLEDGE = "/knowledge"
COLLECTION = "/knowledge/[collection_id]"
MEMORIES = "/knowledge/memories"
SETTINGS = "/settings"

AGENT = "agent"
"""Query parameter of an execution's page that leads to its agents; its value is the node whose agent is opened."""
MAX_NEXT_LENGTH = 2_000


def workflow(workflow_id: str) -> str:
    """The builder with this workflow open."""
    return f"{WORKFLOWS}/{quote(workflow_id, safe='')}"


def chat(workflow_id: str) -> str:
    """Where people talk to this workflow."""
    return f"{workflow(workflow_id)}/chat"


def execution(execution_id: str) -> str:
    """The page of one execution."""
    return f"{EXECUTIONS}/{quote(execution_id, safe='')}"


def collection(collection_id: str) -> str:
    """The page of one collection of documents."""
    return f"{KNOWLEDGE}/{quote(collection_id, safe='')}"


def settings(section: str) -> str:
    """One section of the settings: ``profile``, ``appearance``, ``models`` or ``secrets``."""
    return f"{SETTINGS}/{quote(section, safe='')}"


def login(next_path: str = "") -> str:
    """The sign-in page, which leads to ``next_path`` afterwards."""
    return _with_next(LOGIN, next_path)


def register(next_path: str = "") -> str:
    """The page to make an account, which leads to ``next_path`` afterwards."""
    return _with_next(REGISTER, next_path)


def local_path(candidate: str, otherwise: str = WORKFLOWS) -> str:
    """``candidate`` if it is a path inside AWE, else ``otherwise``: nobody may be sent to another site.

    Browsers read ``//host`` and ``/\\host`` as another host, and drop control characters before they do.
    """
    harmless = (
        candidate.startswith("/")
        and not candidate.startswith(("//", "/\\"))
        and len(candidate) <= MAX_NEXT_LENGTH
        and candidate.isprintable()
        and "\\" not in candidate
    )
    return candidate if harmless else otherwise


def _with_next(page: str, next_path: str) -> str:
    path = local_path(next_path, otherwise="")
    return f"{page}?next={quote(path, safe='/')}" if path not in ("", HOME, WORKFLOWS) else page
