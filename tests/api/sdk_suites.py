#!/usr/bin/env python3
"""OpenAI's and Anthropic's own tests of their Python packages, out of the source packages, against a real server. Which of them
pass, and by which named refusal the others fail, is the table sdk_suites.txt: anything else is a failure here.

Those tests read the address of the server from TEST_API_BASE_URL; their authors let a mock of the API's description stand there, here
the real server does. They come from the source package that fits the installed client, into build/reference, and run as they are; the
names, ids and numbers in them are made up, so a refusal by the name of what is made up is as good an outcome as an answer."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from api.support.sdk_tests import PACKAGES, of_file, problems, read_table, run  # noqa: E402
from api.support.server import MODEL, serving  # noqa: E402

# The names that the tests have built in. The context is short, so that a base model that does not stop is short too.
NAMES = ["gpt-3.5-turbo-instruct", "gpt-6-astra", "text-embedding-3-small", "model", "claude-opus-5-5", "model_id"]
OPTIONS = ["--context", "48", *(f"--alias={name}={MODEL}" for name in NAMES)]
# Strict clients validate every answer against its type. Loose ones do not, which tells more only where the strict ones fail.
SELECTION = "not loose or embeddings"


def main():
    table = read_table(HERE / "sdk_suites.txt")
    passed = failed = 0
    with serving(*OPTIONS) as server:
        for package, (path, _) in PACKAGES.items():
            files = [file for of, file in table if of == package]
            results = run(package, files, server.url + path, SELECTION)
            for file in files:
                tests = of_file(results, file)
                found = list(problems(table, (package, file), tests))
                for problem in found:
                    print(f"FAILED {problem}")
                failed += len(found)
                passed += max(len(tests) - len(found), 0)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main()
