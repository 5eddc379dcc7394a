#!/usr/bin/env python3
"""Sources of one folder are compiled together (SHENBI_TOGETHER, cmake/module.cmake), so no two of them may have the same name in
their anonymous namespaces. Which files meet in one batch changes with every file that is added; this looks at whole folders.

Reads what clang-format leaves at the beginning of a line: classes, constants, and functions with their parameters (overloads are
no clash). The folders of SHENBI_APART are left alone."""
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TYPE = re.compile(r"^(?:template <.*> )?(?:class|struct|enum class|enum|union) (\w+)(?: final)?(?: :|\s*\{)")
CONSTANT = re.compile(r"^(?:static |inline )*(?:constexpr|const) [^(=]*?\b(k[A-Z]\w*)\b")
FUNCTION = re.compile(r"^(?=\S)(?!return|using|namespace|else|friend)(?:\[\[\w+\]\] )?[\w:<>,&*\[\] ]+?[ &*](\w+)\((.*)$")
USING = re.compile(r"^using (\w+) = (.*);")


def private_names(text):
    """Of one source: pairs of what stands in its anonymous namespaces and the line it stands in."""
    inside, lines = False, text.splitlines()
    for number, line in enumerate(lines, 1):
        if line.startswith("namespace {"):
            inside = True
        elif line.startswith("}  // namespace") and line.strip() == "}  // namespace":
            inside = False
        elif inside and (found := TYPE.match(line)):
            yield found[1], number
        elif inside and (found := CONSTANT.match(line)):
            yield found[1], number
        elif inside and (found := FUNCTION.match(line)) and not line.endswith(";"):
            parameters = found[2]
            for more in lines[number:number + 8]:
                if ")" in parameters and parameters.count(")") > parameters.count("("):
                    break
                parameters += " " + more.strip()
            types = re.sub(r"\s*\b\w+(?=\s*(?:,|\)|=))", "", parameters[:parameters.rfind(")")] + ")")
            yield f"{found[1]}({types}", number


def apart():
    stated = re.search(r"set\(SHENBI_APART ([^)]*)\)", (ROOT / "cmake" / "module.cmake").read_text())
    return set(stated[1].split())


def main():
    alone, clashes, seen = apart(), [], 0
    folders = collections.defaultdict(lambda: collections.defaultdict(list))
    for file in sorted((ROOT / "src").rglob("*.cpp")):
        folder = str(file.parent.relative_to(ROOT / "src"))
        if folder in alone or re.search(r"(_test|_bench|_fuzz|/main)\.cpp$", str(file)):
            continue
        for name, number in private_names(file.read_text()):
            seen += 1
            folders[folder][name].append(f"{file.relative_to(ROOT)}:{number}")
    for names in folders.values():
        for name, places in names.items():
            if len({place.split(":")[0] for place in places}) > 1:
                clashes.append(f"{name.split('(')[0]}: {', '.join(places)}")
    for clash in clashes:
        print(f"one private name in two sources of a folder that are compiled together: {clash}")
    if not seen:
        print("no private name was found: this check is blind")
    print(f"{seen} private names, {len(clashes)} clashes")
    sys.exit(1 if clashes or not seen else 0)


main()
