#!/usr/bin/env python3
"""Every example of docs/api/*.md is run against a real server as it stands there; only the address is another.

The Python blocks of a page are one program. A shell or JavaScript block is a program of its own. A block marked "bash refused" must
be answered with an error. The upstreams "openai" and "jina" of the pages are played. qwen3:4b, which the pages name for tools, is the default model with a template that knows them."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.media_house import MediaHouse  # noqa: E402
from api.support.rerank_house import RerankHouse  # noqa: E402
from api.support.server import MODEL, SHENBI, Server  # noqa: E402
from api.support.tooled_model import tooled_model  # noqa: E402
from e2e.support.cases import PATIENCE, case, check, main  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ADDRESS = "http://127.0.0.1:11188"
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = ("bash", "python", "javascript")
CURL_FAILED = 22  # curl --fail-with-body: the server answered with an error
# A page in another language has the same examples (tools/check_translations.py): they are run once.
PAGES = sorted(page for page in (HERE.parents[1] / "docs" / "api").glob("*.md") if "." not in page.stem)
house = MediaHouse(films_end=True)
home = tempfile.TemporaryDirectory(prefix="shenbi-docs-")
ranker = RerankHouse()
for name, address in (("openai", house.url), ("jina", ranker.url)):
    subprocess.run([SHENBI, "upstreams", "add", name, "--house", "compatible", "--base-url", address], check=True, capture_output=True,
                   env={**os.environ, "SHENBI_HOME": home.name})
server = Server(f"--alias=qwen3:4b={tooled_model()}", home=home.name)


def blocks_of(page):
    """(language, remark, text, line), with the server's address."""
    text = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        language, remark, code = found[1], found[2].strip(), found[3]
        line = text.count("\n", 0, found.start()) + 2
        check(language in LANGUAGES, f"{page.name}:{line}: an example in {language} is not run by anything")
        yield language, remark, code.replace(ADDRESS, server.url), line


def run(page, line, command, code, status=0):
    done = subprocess.run(command, input=code, capture_output=True, text=True, timeout=5 * PATIENCE, cwd=HERE / "javascript")
    check(done.returncode == status, f"{page.name}:{line}: ended with {done.returncode}", done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def run_page(page):
    programs = []
    for language, remark, code, line in blocks_of(page):
        if language == "python":
            programs.append((line, code))
        elif language == "javascript":
            run(page, line, ["node", "--input-type=module"], code)
        else:
            shell = 'curl() { command curl -sS --fail-with-body "$@"; }\n'
            said = run(page, line, ["bash", "-e"], shell + code, CURL_FAILED if remark == "refused" else 0)
            check(said.strip(), f"{page.name}:{line}: answered nothing")
    # Line numbers of a failure are those of the page.
    lines = []
    for line, code in programs:
        lines += [""] * (line - 1 - len(lines)) + code.splitlines()
    run(page, "python", [sys.executable, "-"], "\n".join(lines))
    check(len(programs) >= 4, page.name, "has few examples")


def page_case(name):
    def test():
        run_page(HERE.parents[1] / "docs" / "api" / f"{name}.md")
    test.__name__ = f"the_examples_of_{name}_work"
    return case(test)


for page in PAGES:
    page_case(page.stem)


@case
def the_default_model_is_the_one_the_pages_name():
    for page in PAGES:
        check(MODEL in page.read_text(encoding="utf-8"), page)


try:
    main()
finally:
    server.stop()
    house.stop()
    ranker.stop()
