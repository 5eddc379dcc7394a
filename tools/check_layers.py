#!/usr/bin/env python3
"""Keeps the house's layers: every include in src/ must be allowed by the DEPS in src/modules.cmake.

Fails on an include of a module that DEPS (transitively) do not name, on a circle between modules, and on another
module's inner header: one that lies in a sub-folder of that module (src/<module>/<folder>/...).

Usage: tools/check_layers.py [SRC_FOLDER]
"""
import pathlib
import re
import sys

SRC = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent / "src")


def declared_deps():
    text = (SRC / "modules.cmake").read_text()
    deps = {}
    for name, rest in re.findall(r"^shenbi_(?:module|program)\((\w+)([^)]*)\)", text, re.M):
        found = re.search(r"DEPS((?:\s+[a-z_]+)+)", rest)
        deps[name] = found.group(1).split() if found else []
    return deps


def closure(deps, name, path=()):
    if name in path:
        sys.exit(f"check_layers: circle: {' > '.join(path + (name,))}")
    reached = set()
    for dep in deps[name]:
        if dep not in deps:
            sys.exit(f"check_layers: {name} depends on '{dep}', which is no module")
        reached |= {dep} | closure(deps, dep, path + (name,))
    return reached


def main():
    deps = declared_deps()
    allowed = {name: closure(deps, name) | {name} for name in deps}
    problems, files = [], 0
    for file in sorted(SRC.rglob("*")):
        if file.suffix not in (".h", ".cpp", ".inl"):
            continue
        files += 1
        module = file.relative_to(SRC).parts[0]
        if module not in deps:
            problems.append(f"{file.relative_to(SRC)}: folder '{module}' is not declared in modules.cmake")
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not found:
                continue
            parts = found.group(1).split("/")
            where = f"{file.relative_to(SRC)}:{number}"
            if len(parts) < 2:
                problems.append(f"{where}: include '{found.group(1)}' is not written from src/")
            elif parts[0] not in allowed[module]:
                problems.append(f"{where}: {module} may not include {parts[0]} (add it to DEPS only if the plan says so)")
            elif parts[0] != module and len(parts) > 2:
                problems.append(f"{where}: '{found.group(1)}' is an inner header of {parts[0]}")
    for problem in problems:
        print(problem)
    print(f"check_layers: {files} files in {len(deps)} modules, {len(problems)} problem(s)")
    sys.exit(1 if problems else 0)


main()
