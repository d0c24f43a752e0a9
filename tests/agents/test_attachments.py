"""Files that go along with an agent's task."""

from pathlib import Path as FilePath
from typing import Any

import pytest

from awe_app.adapters.user_files import UserFileFolder
from awe_app.agents.attachments import MAX_TEXT_CHARS
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, Path, UserId
from awe_app.domain.protocols import Capabilities
from tests.agents.scripted import ByTurn, Directory, Scripted, calls
from tests.builders import graph, node, run

ANN = UserId("ann")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
SUM = ("calculator", {"expression": "1 + 1"})


@pytest.fixture
def home(tmp_path: FilePath) -> FilePath:
    """Ann's files."""
    folder = tmp_path / "files" / ANN
    (folder / "in").mkdir(parents=True)
    return folder


async def ask(home: FilePath, attachments: Any, model: Scripted | None = None, **more: Any) -> tuple[Any, Scripted]:
    model = model or Scripted("a", "ok")
    capabilities = Capabilities(Directory(model), files=UserFileFolder(home.parents[1]))
    config = {"user_prompt": "Look.", "attachments": attachments, "tools": ["calculator"]}
    raw = graph("a", node("a", "agent", config))
    inputs = more.pop("inputs", {})
    result = await run(raw, inputs, capabilities=capabilities, user_id=ANN, **more)
    return result, model


async def test_text_goes_into_the_prompt_and_pictures_and_pdfs_go_along(home: FilePath):
    (home / "in" / "notes.md").write_text("# Notes\nBuy tea.")
    (home / "photo.txt").write_bytes(PNG)
    (home / "paper.pdf").write_bytes(b"%PDF-1.7 and more")
    _, model = await ask(home, ["in/notes.md", "photo.txt", "{{ inputs.file }}"], inputs={"file": "paper.pdf"})
    message = model.requests[0].messages[-1]
    assert message.content == "Look.\n\nFile in/notes.md:\n# Notes\nBuy tea."
    assert [(a.name, a.media_type) for a in message.attachments] == [
        ("photo.txt", "image/png"),
        ("paper.pdf", "application/pdf"),
    ]
    assert message.attachments[0].data == PNG


@pytest.mark.parametrize("nothing", [None, "", [], [None], "{{ inputs.none }}"])
async def test_no_file_is_no_file(home: FilePath, nothing: Any):
    (state, _), model = await ask(home, nothing)
    assert state.status == "completed"
    assert model.requests[0].messages[-1].content == "Look."


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("missing.txt", "FILE_NOT_FOUND"),
        ("../../secret_key", "FILE_NOT_FOUND"),
        ("data.bin", "UNSUPPORTED_FILE"),
        ("long.txt", "FILE_TOO_LARGE"),
        ([{"path": "x"}], "INVALID_SETTING"),
        (["x"] * 21, "INVALID_SETTING"),
    ],
)
async def test_what_cannot_go_along_fails_the_node(home: FilePath, given: Any, code: str):
    (home / "data.bin").write_bytes(b"a\x00\xff\xfe")
    (home / "long.txt").write_text("x" * (MAX_TEXT_CHARS + 1))
    (state, _), model = await ask(home, given)
    assert (state.node_states[Path("a")].error or {})["code"] == code
    assert not model.requests


async def test_files_go_along_again_after_a_crash(home: FilePath):
    (home / "photo.png").write_bytes(PNG)
    script = calls(SUM), "Done."
    (_, happened), _ = await ask(home, "photo.png", ByTurn("a", *script))
    for cut in range(1, len(happened)):
        done = ExecutionState(ExecutionId("test")).fold(happened[:cut])
        (state, _), model = await ask(home, "photo.png", ByTurn("a", *script), done=done)
        assert state.status == "completed"
        assert all(request.messages[0].role == "user" for request in model.requests)
        assert all(len(request.messages[0].attachments) == 1 for request in model.requests)
