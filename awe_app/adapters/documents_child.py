"""Takes one document apart, in a process that may do nothing else. Started by ``documents.py`` as a script.

Standard input: a line of JSON ``{format, charset, memory_bytes, cpu_s}``, then the file. Standard output: JSON
``{text, title}``, or ``{code, detail}`` where it cannot be read. Memory and processor time are limited everywhere;
where the kernel can, the process is locked up as for the sandbox before it looks at the file.
"""

import io
import json
import os
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

MAX_UNPACKED_BYTES = 200 * 1024 * 1024
MAX_MEMBERS = 10_000
MAX_PAGES = 5_000


class Refused(Exception):
    """The file is not read: a code and why."""


def html(data: bytes, charset: str | None) -> dict[str, str]:
    """The main text of a page, without menus and advertisements."""
    import lxml.etree
    import lxml.html
    import trafilatura

    page = data.decode(charset, "replace") if charset else data
    try:
        tree = lxml.html.document_fromstring(page, parser=lxml.html.HTMLParser(encoding="utf-8" if charset else None))
    except lxml.etree.ParserError:
        return {"text": "", "title": ""}
    title = tree.findtext(".//title") or ""
    text = trafilatura.extract(page, output_format="markdown", include_comments=False, include_tables=True)
    if not text:  # a page with little on it
        for each in tree.xpath("//script|//style|//noscript|//template|//head"):
            each.drop_tree()
        text = "\n".join(line.strip() for line in tree.text_content().splitlines() if line.strip())
    return {"text": text, "title": " ".join(title.split())}


def pdf(data: bytes, _charset: str | None) -> dict[str, str]:
    """The text of all pages, an empty line between them."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        raise Refused("UNREADABLE_FILE", "it is locked by a password" if locked else "it is no whole PDF") from None
    if len(document) > MAX_PAGES:
        raise Refused("FILE_TOO_LARGE", f"it has more than {MAX_PAGES:,} pages")
    pages = []
    for place in range(len(document)):
        page = document[place]
        text = page.get_textpage()
        pages.append(text.get_text_bounded().replace("\r\n", "\n").replace("\ufffe", "").strip())
        text.close()
        page.close()
    return {"text": "\n\n".join(filter(None, pages)), "title": document.get_metadata_value("Title") or ""}


def docx(data: bytes, _charset: str | None) -> dict[str, str]:
    """Headings, lists and tables as Markdown, without pictures."""
    import mammoth
    from markdownify import markdownify

    _check_archive(data)
    no_pictures = mammoth.images.img_element(lambda _image: {})
    made = mammoth.convert_to_html(io.BytesIO(data), convert_image=no_pictures)
    return {"text": markdownify(made.value, heading_style="ATX", strip=["img"]).strip(), "title": ""}


def sheets(data: bytes, _charset: str | None) -> dict[str, str]:
    """Each sheet as a heading and a table; its first row is the table's head."""
    import python_calamine

    if data[:2] == b"PK":
        _check_archive(data)
    book = python_calamine.load_workbook(io.BytesIO(data))
    parts = []
    for name in book.sheet_names:
        rows = [[_cell(value) for value in row] for row in book.get_sheet_by_name(name).iter_rows()]
        rows = [row for row in rows if any(row)]
        if rows:
            rows.insert(1, ["---"] * len(rows[0]))
            parts.append("\n".join([f"## {name}", "", *(f"| {' | '.join(row)} |" for row in rows)]))
    return {"text": "\n\n".join(parts), "title": ""}


def _cell(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).replace("|", "\\|").split())


def _check_archive(data: bytes) -> None:
    """Refuse an archive that unpacks to too much, or to something else than it says."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
            raise Refused("FILE_TOO_LARGE", f"it unpacks to more than {MAX_UNPACKED_BYTES // 1024**2} MB")
        for member in members:
            with archive.open(member) as packed:  # reads what is declared, and fails where more or else is there
                while packed.read(1024 * 1024):
                    pass


READERS: dict[str, tuple[Callable[[bytes, str | None], dict[str, str]], tuple[str, ...]]] = {
    "html": (html, ("trafilatura",)),
    "pdf": (pdf, ("pypdfium2",)),
    "docx": (docx, ("mammoth", "markdownify")),
    "sheets": (sheets, ("python_calamine",)),
}
"""Format → what reads it, and the packages to load before the process is locked."""


def _lock(asked: dict[str, Any]) -> None:
    """Leave this process its memory, its time and the libraries to read."""
    place = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sandbox_child.py")
    spec = spec_from_file_location("sandbox_child", place)
    assert spec
    assert spec.loader
    cage = module_from_spec(spec)
    spec.loader.exec_module(cage)
    cage.limit(asked["memory_bytes"], asked["cpu_s"], 64)
    paths = sysconfig.get_paths()
    try:
        cage.lock_python({paths["stdlib"], paths["platlib"], paths["purelib"]})
    except cage.CannotLock:
        return  # the limits hold; what reads the file is no program of the user's


def main() -> None:
    """Read the question, answer it, end."""
    asked = json.loads(sys.stdin.buffer.readline())
    reader, packages = READERS[asked["format"]]
    for package in packages:
        import_module(package)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    data = sys.stdin.buffer.read()
    _lock(asked)
    try:
        answer = reader(data, asked["charset"])
    except Refused as refused:
        answer = {"code": refused.args[0], "detail": refused.args[1]}
    except MemoryError:
        answer = {"code": "FILE_TOO_LARGE", "detail": "it takes too much memory to read"}
    except Exception as error:  # whatever a library makes of a broken file
        answer = {"code": "UNREADABLE_FILE", "detail": f"it is broken ({type(error).__name__})"}
    json.dump(answer, out)
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
