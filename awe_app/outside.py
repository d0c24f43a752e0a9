"""What nodes and tools reach beside models, for the server and the command line alike."""

from dataclasses import replace

from awe_app.adapters.chroma import Chroma
from awe_app.adapters.documents import Documents
from awe_app.adapters.embedders import Embedders, Providers
from awe_app.adapters.http import HttpClient
from awe_app.adapters.knowledge import ChromaKnowledge
from awe_app.adapters.mcp_sessions import McpSessions
from awe_app.adapters.memory import ChromaMemory
from awe_app.adapters.sandbox import PythonSandbox
from awe_app.adapters.user_files import UserFileFolder
from awe_app.domain.mcp import McpServers
from awe_app.domain.models import ModelDirectory
from awe_app.domain.protocols import Capabilities
from awe_app.domain.secrets import UserSecrets
from awe_app.settings import Environment


class Outside:
    """The parts behind ``Capabilities``. Each starts when it is first used."""

    def __init__(self, environment: Environment, providers: Providers | None = None) -> None:
        """Without ``providers`` collections are embedded on this machine alone."""
        self.http = HttpClient(environment.allowed_hosts)
        self.mcp_sessions = McpSessions(self.http, environment.mcp_stdio)
        self.sandbox = PythonSandbox()
        self.files = UserFileFolder(environment.data_dir)
        self.documents = Documents()
        self.embedders = Embedders(providers, environment.allowed_hosts)
        self.chroma = Chroma(environment.data_dir, environment.chroma_url)
        self.knowledge = ChromaKnowledge(self.chroma, self.embedders)
        self.memory = ChromaMemory(self.chroma, self.embedders)

    def capabilities(
        self, models: ModelDirectory, secrets: UserSecrets | None = None, mcp: McpServers | None = None
    ) -> Capabilities:
        """What nodes are handed; the command line has no users, and so neither secrets nor MCP servers."""
        made = Capabilities(
            models=models,
            http=self.http,
            sandbox=self.sandbox,
            files=self.files,
            documents=self.documents,
            knowledge=self.knowledge,
            memory=self.memory,
        )
        if secrets is not None:
            made = replace(made, secrets=secrets)
        return made if mcp is None else replace(made, mcp=mcp)

    async def stop(self) -> None:
        """Close what is open."""
        await self.mcp_sessions.stop()
        await self.http.stop()
        await self.sandbox.stop()
        await self.chroma.stop()
        await self.embedders.stop()
