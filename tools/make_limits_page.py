#!/usr/bin/env python3
"""Writes docs/limits.md from src/base/limits.h, the one table of limits.

usage: tools/make_limits_page.py [--check]     with --check nothing is written; exit status 1 if the page is not up to date
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "limits.md"


def value_of(text):
    number = eval(re.sub(r"(?<=\d)(?:ull|u|')", "", text))  # "64u << 20", "20'000'000": our own header, not input
    for unit, name in ((1 << 20, "Mi"), (1 << 10, "Ki")):
        if number % unit == 0:
            return f"{number // unit} {name}"
    return f"{number:,}"


def page():
    lines = ["# Limits", "", "Everything that comes from outside is bounded. This page is made from `src/base/limits.h` by",
             "`tools/make_limits_page.py`."]
    for line in (ROOT / "src" / "base" / "limits.h").read_text().splitlines():
        if section := re.match(r"// --- (.*) ---", line):
            lines += ["", f"## {section[1][0].upper()}{section[1][1:]}", "", "| limit | value | why |", "|---|---|---|"]
        elif row := re.match(r"inline constexpr uint64_t k(\w+) = ([^;]+);(?:\s*///<\s*(.*))?", line):
            words = re.sub(r"(?<!^)(?=[A-Z])", " ", row[1]).lower()
            lines.append(f"| {words} | {value_of(row[2])} | {row[3] or ''} |")
    return "\n".join(lines) + "\n"


def main():
    if "--check" in sys.argv:
        if PAGE.read_text() != page():
            sys.exit("docs/limits.md is not what src/base/limits.h says; run tools/make_limits_page.py")
        print("docs/limits.md is up to date")
    else:
        PAGE.write_text(page())


main()
