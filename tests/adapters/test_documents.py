"""Documents become text, and hostile ones do no harm."""

import json
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from awe_app.adapters import documents
from awe_app.adapters.documents import Documents
from awe_app.domain.errors import NodeFailed
from tests.documents import archive, docx, pdf, xlsx

PAGE = b"""<html><head><title> A  page </title><script>stolen()</script></head><body><nav>Menu</nav>
<article><h1>Tea</h1><p>Green tea is brewed at eighty degrees, which keeps it from turning bitter in the cup.</p>
<h2>Time</h2><p>Two minutes are enough for most leaves, and three for those that were rolled by hand.</p></article>
</body></html>"""


async def failure(name: str, data: bytes, media_type: str | None = None) -> NodeFailed:
    with pytest.raises(NodeFailed) as caught:
        await Documents().parse(name, data, media_type)
    return caught.value


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.txt", "\ufeffgrüße".encode(), "grüße"),
        ("a.TXT", "grüße".encode("utf-16"), "grüße"),
        ("old.csv", "Größe;Straße\n3;Allee".encode("cp1252"), "Größe;Straße\n3;Allee"),
        ("a.md", b"# Title\n\ntext", "# Title\n\ntext"),
        ("a.json", b'{"a": 1}', '{"a": 1}'),
        ("notes.log", b"a line", "a line"),
        ("Makefile", b"all:", "all:"),
        ("empty.txt", b"", ""),
    ],
)
async def test_text_is_given_as_it_is(name: str, data: bytes, text: str):
    parsed = await Documents().parse(name, data)
    assert parsed.text == text


async def test_pages_give_their_main_text_with_headings():
    parsed = await Documents().parse("tea.html", PAGE)
    assert "# Tea" in parsed.text
    assert "## Time" in parsed.text
    assert "Menu" not in parsed.text
    assert "stolen" not in parsed.text
    assert (parsed.title, parsed.media_type) == ("A page", "text/html")


async def test_small_pages_and_other_charsets_are_read_too():
    parser = Documents()
    assert (await parser.parse("x.html", b"<p>hi")).text == "hi"
    latin = "<title>é</title><p>café".encode("latin-1")
    parsed = await parser.parse("download", latin, "text/html; charset=ISO-8859-1")
    assert (parsed.text, parsed.title) == ("café", "é")
    assert (await parser.parse("x", "é".encode("latin-1"), "text/plain; charset=latin-1")).text == "é"


async def test_a_pdf_gives_its_text_and_title():
    parsed = await Documents().parse("report.pdf", pdf("Sales rose by 4 percent"))
    assert (parsed.text, parsed.title) == ("Sales rose by 4 percent", "Report")
    assert parsed.media_type == "application/pdf"


async def test_a_word_document_gives_headings_and_tables():
    parsed = await Documents().parse("a.docx", docx("Plan", "We begin in May."))
    assert parsed.text.startswith("# Plan\n\nWe begin in May.")
    assert "left" in parsed.text
    assert "right |" in parsed.text


async def test_a_workbook_gives_its_sheets_as_tables():
    parsed = await Documents().parse("a.xlsx", xlsx([["Item", "Price"], ["Tea | green", 3.5], ["Cup", 2]]))
    assert parsed.text.splitlines() == [
        "## Prices",
        "",
        "| Item | Price |",
        "| --- | --- |",
        "| Tea \\| green | 3.5 |",
        "| Cup | 2 |",
    ]


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.xlsx", "a.xls", "a.ods"])
@pytest.mark.parametrize("data", [b"", b"nope", b"PK\3\4nope", b"%PDF-1.4\nnope", archive({"other": "x"})])
async def test_broken_documents_are_told(name: str, data: bytes):
    failed = await failure(name, data)
    assert failed.code == "UNREADABLE_FILE"
    assert name in failed.detail


async def test_unknown_formats_and_documents_without_text_are_told():
    assert (await failure("image.png", b"\x89PNG\xff")).code == "UNKNOWN_FORMAT"
    assert (await failure("binary.txt", b"\x00\x01\xfe\xff" * 9)).code == "NO_TEXT"
    assert (await failure("scan.pdf", pdf(""))).code == "NO_TEXT"


async def test_files_that_are_too_large_are_refused_unread(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(documents, "MAX_FILE_BYTES", 10)
    assert (await failure("a.txt", b"x" * 11)).code == "FILE_TOO_LARGE"


async def test_archives_that_unpack_to_too_much_are_refused():
    bomb = docx("a", "b", {"word/media/zeros.bin": bytes(201 * 1024 * 1024)})
    assert len(bomb) < 1024 * 1024
    assert (await failure("bomb.docx", bomb)).code == "FILE_TOO_LARGE"
    many = archive({f"m{n}": "" for n in range(10_001)})
    assert (await failure("many.xlsx", many)).code == "FILE_TOO_LARGE"


async def test_an_archive_that_lies_about_its_sizes_is_refused():
    whole = 5 * 1024 * 1024
    bomb = docx("a", "b", {"word/zeros.bin": bytes(whole)})
    size = whole.to_bytes(4, "little")
    assert bomb.count(size) == 2
    assert (await failure("liar.docx", bomb.replace(size, (100).to_bytes(4, "little")))).code == "UNREADABLE_FILE"


async def test_a_pdf_that_unpacks_to_too_much_ends_its_own_process_only(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(documents, "MEMORY_BYTES", 256 * 1024 * 1024)
    zeros = zlib.compressobj(9)
    packed = b"".join(zeros.compress(b" " * 1024 * 1024) for _ in range(400)) + zeros.flush()
    bomb = pdf("", packed=packed)
    parser = Documents()
    with pytest.raises(NodeFailed) as failed:
        await parser.parse("bomb.pdf", bomb)
    assert failed.value.code in ("UNREADABLE_FILE", "NO_TEXT")
    assert (await parser.parse("a.pdf", pdf("still here"))).text == "still here"


async def test_a_document_that_takes_for_ever_is_given_up():
    with pytest.raises(NodeFailed) as failed:
        await Documents(time_s=0.01).parse("a.html", PAGE)
    assert failed.value.code == "UNREADABLE_FILE"
    assert "0.01 s" in failed.value.detail


async def test_word_documents_fetch_nothing_from_outside(tmp_path: Path):
    (tmp_path / "secret.txt").write_text("c4n4ry")
    entity = (
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "{(tmp_path / "secret.txt").as_uri()}">]>'
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        "<w:body><w:p><w:r><w:t>&e;</w:t></w:r></w:p></w:body></w:document>"
    )
    failed = await failure("a.docx", docx("a", "b", {"word/document.xml": entity}))
    assert "c4n4ry" not in str(failed)


def test_the_process_is_locked_before_it_reads(tmp_path: Path):
    """The same lock as the sandbox's: no files but the libraries, no network, no other programs."""
    (tmp_path / "secret.txt").write_text("c4n4ry")
    tries = f"""
import runpy, sys
child = runpy.run_path({str(documents._CHILD)!r})
child["_lock"]({{"memory_bytes": 1 << 30, "cpu_s": 5}})
import os, socket
for attempt in (
    lambda: open({str(tmp_path / "secret.txt")!r}).read(),
    lambda: open({str(tmp_path / "out.txt")!r}, "w"),
    lambda: socket.socket(),
    lambda: os.fork(),
    lambda: os.execv("/bin/true", ["true"]),
    lambda: os.kill(os.getppid(), 0),
):
    try:
        attempt()
    except OSError:
        continue
    print("got through")
print("done")
"""
    done = subprocess.run([sys.executable, "-I", "-c", tries], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["done"], done.stderr


async def test_the_process_sees_no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("AWE_TEST_SECRET", "c4n4ry")
    spy = tmp_path / "spy.py"
    spy.write_text(
        "import json, os, sys\nsys.stdin.read()\nprint(json.dumps({'text': str(dict(os.environ)), 'title': ''}))"
    )
    monkeypatch.setattr(documents, "_CHILD", spy)
    parsed = await Documents().parse("a.pdf", b"x")
    assert "c4n4ry" not in json.dumps(parsed.text)
