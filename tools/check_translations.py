#!/usr/bin/env python3
"""Pages in two languages: NAME.zh-CN.md says what NAME.md says.

A script cannot read whether it does; it holds what must be equal: the code blocks, letter by letter; the levels of the headings in
their order; the tables, row by row; and each page leads to the other, with links that lead somewhere.

usage: tools/check_translations.py
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#([^)]*))?\)")
SUFFIX = ".zh-CN.md"


def shape(text):
    """What both languages have in common: [("heading", level) | ("row", cells)] outside of code."""
    found = []
    for line in BLOCK.sub("", text).splitlines():
        if line.startswith("#"):
            found.append(("heading", len(line) - len(line.lstrip("#"))))
        elif line.startswith("|"):
            found.append(("row", line.count("|")))
    return found


def anchors(text):
    """Those that a heading is reached under: its letters in lower case, spaces as dashes."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page, text):
    for target, anchor in LINK.findall(BLOCK.sub("", text)):
        if ":" in target:
            continue
        there = page.parent / target
        if not there.exists():
            yield f"link to {target}, which is not there"
        elif anchor and anchor not in anchors(there.read_text(encoding="utf-8")):
            yield f"link to {target}#{anchor}: it has no such heading"


def problems(chinese):
    english = chinese.with_name(chinese.name.removesuffix(SUFFIX) + ".md")
    if not english.exists():
        yield f"there is no {english.name}"
        return
    one, other = english.read_text(encoding="utf-8"), chinese.read_text(encoding="utf-8")
    for page, text, partner in ((english, one, chinese), (chinese, other, english)):
        if f"]({partner.name})" not in "\n".join(text.splitlines()[:8]):
            yield f"{page.name} does not lead to {partner.name} in its first lines"
        yield from (f"{page.name}: {said}" for said in broken_links(page, text))
    for number, (a, b) in enumerate(zip(BLOCK.findall(one), BLOCK.findall(other)), 1):
        if a != b:
            yield f"code block {number} differs:\n{a}\n{b}"
    if len(BLOCK.findall(one)) != len(BLOCK.findall(other)):
        yield f"{len(BLOCK.findall(one))} code blocks here, {len(BLOCK.findall(other))} there"
    if shape(one) != shape(other):
        first = next((i for i, pair in enumerate(zip(shape(one), shape(other))) if pair[0] != pair[1]), "the end")
        yield f"headings and tables differ at the {first}th"


def main():
    pages = sorted((ROOT / "docs").rglob("*" + SUFFIX))
    found = [f"{page.relative_to(ROOT)}: {said}" for page in pages for said in problems(page)]
    for problem in found:
        print(problem)
    print(f"check_translations: {len(pages)} pages, {len(found)} problem(s)")
    sys.exit(1 if found or not pages else 0)


main()
