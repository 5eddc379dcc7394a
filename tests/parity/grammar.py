#!/usr/bin/env python3
"""Grammars against the libraries that judge their sentences. The last line is "N passed, N failed".

  suite     the JSON Schema Test Suite, draft 2020-12: what is invalid is never accepted, what we refuse is refused with an
            error, and every sentence sampled from what we accept validates with jsonschema
  schemas   random schemas: samples validate with jsonschema; instances in our form are accepted; of other instances, those that
            we accept are valid
  regexes   random patterns against Python's re: equal on every text of a small alphabet
  gbnf      llama.cpp's example grammars: they compile, and what is sampled from the JSON ones parses

usage: tests/parity/grammar.py [--seed N] [--count N]
"""
import argparse
import json
import random
import re
import subprocess
import sys
import warnings
from pathlib import Path

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError

sys.path.insert(0, str(Path(__file__).resolve().parent / "support"))
from reference_package import built, grammars_folder, schema_suite_folder  # noqa: E402

warnings.simplefilter("ignore")
passed = failed = 0


def check(what, ok):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        if failed <= 30:
            print(f"FAILED {what}"[:1500])


def ask(requests):
    """One reply a request, from one run of the tool."""
    lines = "".join(json.dumps(r) + "\n" for r in requests)
    done = subprocess.run([built("grammar_tool")], input=lines, capture_output=True, encoding="utf-8")
    replies = [json.loads(line) for line in done.stdout.split("\n") if line]
    check(f"the tool answers all {len(requests)} requests (it exits with {done.returncode})", len(replies) == len(requests))
    return list(zip(requests, replies))


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def validates(schema, text):
    try:
        value = json.loads(text)
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)
        return True
    except (ValidationError, ValueError):
        return False
    except re.error:  # a pattern of another dialect than Python's
        return None


# --- the test suite ---

def suite():
    requests, groups = [], []
    files = sorted(schema_suite_folder().glob("*.json")) + sorted(schema_suite_folder().glob("optional/**/*.json"))
    for file in files:
        for group in json.loads(file.read_text()):
            requests.append({"schema": group["schema"], "match": [compact(t["data"]) for t in group["tests"]], "sample": 6,
                             "seed": len(requests) + 1})
            groups.append((file, group))
    refused = valid = accepted = 0
    for (file, group), (_, reply) in zip(groups, ask(requests)):
        name = f"{file.stem}: {group['description']}"
        if "error" in reply:
            refused += 1
            check(f"{name}: {reply}", reply["code"] in ("invalid_argument", "unsupported"))
            continue
        check(f"{name}: {reply.get('bug')}", "bug" not in reply)
        for test, matches in zip(group["tests"], reply.get("matches", [])):
            if test["valid"]:
                valid += 1
                accepted += matches
            else:
                check(f"{name}: {test['description']}: accepts {compact(test['data'])}", not matches)
        for text in reply.get("samples", []):
            check(f"{name}: sample {text}", validates(group["schema"], text) is not False)
    print(f"suite: {len(groups)} schemas, {refused} refused by name; of {valid} valid instances of the others {accepted} are in "
          "our form")


# --- random schemas, each with a maker of instances in our form ---

class Schemas:
    def __init__(self, rng):
        self.rng = rng

    def pick(self, *values):
        return self.rng.choice(values)

    def schema(self, depth=0):
        """(schema, make): make() is a valid instance, with members in the order of the schema."""
        kinds = [self.string, self.string, self.pattern, self.integer, self.number, self.enum, self.simple]
        if depth < 3:
            kinds += [self.object, self.object, self.array, self.tuple, self.any_of, self.one_of, self.nullable, self.all_of]
        return self.rng.choice(kinds)(depth)

    def text(self, low, high):
        return "".join(self.rng.choice('ab é神"\\\n/x0😀') for _ in range(self.rng.randint(low, high)))

    def string(self, depth):
        low, high = self.pick((0, 8), (2, 5), (0, 0), (3, 3), (0, 70))
        schema = {"type": "string"}
        if low:
            schema["minLength"] = low
        if self.rng.random() < 0.6 or not high:
            schema["maxLength"] = high
        return schema, lambda: self.text(low, high)

    def pattern(self, depth):
        pattern, make = self.pick(
            ("^[a-c]{2,4}$", lambda: "".join(self.rng.choices("abc", k=self.rng.randint(2, 4)))),
            ("x\"y", lambda: self.text(0, 3) + 'x"y' + self.text(0, 3)),
            ("^(\\d{3}-)?\\d{4}$", lambda: self.pick("123-4567", "0000")),
            ("^a|b$", lambda: self.pick("a", "azz", "zb", "ab")))
        schema = {"type": "string", "pattern": pattern}
        if self.rng.random() < 0.3:
            schema["maxLength"] = 20
        return schema, make

    def integer(self, depth):
        low = self.rng.choice([-1000, -17, -1, 0, 1, 5, 99])
        high = low + self.rng.choice([0, 1, 9, 90, 12345])
        step = self.rng.choice([1, 1, 1, 3, 7])
        fitting = [v for v in range(low, high + 1) if v % step == 0]
        if not fitting:
            step, fitting = 1, range(low, high + 1)
        schema = {"type": "integer"}
        schema.update(self.pick({"minimum": low}, {"exclusiveMinimum": low - 1}))
        schema.update(self.pick({"maximum": high}, {"exclusiveMaximum": high + 1}))
        if step > 1:
            schema["multipleOf"] = step
        return schema, lambda: self.rng.choice(fitting)

    def number(self, depth):
        low = self.rng.choice([-3.75, -1, 0, 0.125, 10])
        high = low + self.rng.choice([0.5, 1, 20])
        schema = {"type": "number", "minimum": low, "maximum": high}
        if self.rng.random() < 0.3:
            schema["multipleOf"] = 0.125
        return schema, lambda: low + self.rng.randint(0, int((high - low) * 8)) / 8

    def enum(self, depth):
        values = self.rng.sample(["a", "ab", "é\n", 1, -2.5, None, True, [1, "x"], {"k": [None]}], self.rng.randint(1, 5))
        return self.pick({"enum": values}, {"const": values[0]}), lambda: values[0]

    def simple(self, depth):
        return self.pick(({"type": "boolean"}, lambda: self.pick(True, False)), ({"type": "null"}, lambda: None),
                         ({"type": "integer"}, lambda: self.rng.randint(-10**9, 10**9)),
                         ({"type": "string", "format": "date"}, lambda: self.pick("2024-02-29", "1999-12-31")),
                         ({"type": "string", "format": "ipv4"}, lambda: "192.168.0.1"),
                         ({}, lambda: self.pick(None, [], {"a": 1}, "x", -0.5)))

    def object(self, depth):
        names = self.rng.sample(["a", "b", "ab", 'q"', "é", "long name"], self.rng.randint(0, 4))
        parts = {name: self.schema(depth + 1) for name in names}
        required = [n for n in names if self.rng.random() < 0.5]
        schema = {"type": "object", "properties": {n: s for n, (s, _) in parts.items()}, "required": required}
        extra = self.pick(False, False, {"type": "integer"})
        if extra is False or self.rng.random() < 0.5:
            schema["additionalProperties"] = extra
        elif not names:
            schema["additionalProperties"] = False

        def make():
            value = {n: m() for n, (_, m) in parts.items() if n in required or self.rng.random() < 0.5}
            if schema.get("additionalProperties") and self.rng.random() < 0.5:
                value[self.pick("z", "abc", "")] = 7
            return value
        return schema, make

    def array(self, depth):
        item, make_item = self.schema(depth + 1)
        low = self.rng.randint(0, 3)
        high = low + self.rng.randint(0, 3)
        schema = {"type": "array", "items": item, "minItems": low, "maxItems": high}
        return schema, lambda: [make_item() for _ in range(self.rng.randint(low, high))]

    def tuple(self, depth):
        parts = [self.schema(depth + 1) for _ in range(self.rng.randint(1, 3))]
        schema = {"type": "array", "prefixItems": [s for s, _ in parts], "minItems": len(parts), "items": False}
        return schema, lambda: [m() for _, m in parts]

    def any_of(self, depth):
        parts = [self.schema(depth + 1) for _ in range(self.rng.randint(1, 3))]
        return {"anyOf": [s for s, _ in parts]}, lambda: self.rng.choice(parts)[1]()

    def one_of(self, depth):
        parts = [(tag, self.schema(depth + 1)) for tag in self.rng.sample("abcd", self.rng.randint(1, 3))]
        schemas = [{"type": "object", "properties": {"tag": {"const": tag}, "v": s}, "required": ["tag"],
                    "additionalProperties": False} for tag, (s, _) in parts]
        tag, (_, make) = parts[0]
        return {"oneOf": schemas}, lambda: {"tag": tag, "v": make()}

    def nullable(self, depth):
        schema, make = self.string(depth)
        schema["type"] = ["string", "null"]
        return schema, lambda: self.pick(None, make())

    def all_of(self, depth):
        schema, make = self.object(depth)
        name, (part, make_part) = self.pick("n1", "n2"), self.schema(depth + 1)
        schema.pop("additionalProperties", None)
        more = {"type": "object", "properties": {name: part}, "required": [name]}
        return {"allOf": [schema, more]}, lambda: {k: v for k, v in {**make(), name: make_part()}.items()
                                                   if k in schema["properties"] or k == name}


def mutate(rng, value):
    """Something near: a member or item dropped or changed, a number moved, a type exchanged."""
    if rng.random() < 0.25:
        return rng.choice([None, 0, -1, 2.5, "", "abc", [], {}, True, [value], {"a": value}])
    if isinstance(value, dict) and value:
        key = rng.choice(list(value))
        value = dict(value)
        if rng.random() < 0.4:
            del value[key]
        else:
            value[key] = mutate(rng, value[key])
        return value
    if isinstance(value, list) and value:
        value = list(value)
        at = rng.randrange(len(value))
        value[at:at + 1] = rng.choice([[], [mutate(rng, value[at])], [value[at], value[at]]])
        return value
    if isinstance(value, bool) or value is None:
        return rng.choice([0, "null", not value])
    if isinstance(value, (int, float)):
        return value + rng.choice([-1, 1, 0.5, 100, -100])
    if isinstance(value, str):
        return value[:-1] if rng.random() < 0.5 else value + rng.choice("ab\"é0")
    return rng.choice([1, "x"])


def schemas(rng, count):
    maker = Schemas(rng)
    requests, instances = [], []
    for i in range(count):
        schema, make = maker.schema()
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            sys.exit(f"the maker made a schema that is none: {schema}: {error}")
        ours = [make() for _ in range(4)]
        others = [mutate(rng, rng.choice(ours)) for _ in range(8)]
        instances.append((ours, others))
        texts = [json.dumps(v, ensure_ascii=False, separators=rng.choice([(",", ":"), (", ", ": ")])) for v in ours]
        requests.append({"schema": schema, "match": texts + [compact(v) for v in others], "sample": 3, "seed": i + 1})
    for (ours, others), (request, reply) in zip(instances, ask(requests)):
        schema = request["schema"]
        if "error" in reply or "bug" in reply:
            check(f"schema {compact(schema)}: {reply}", False)
            continue
        for text, matches in zip(request["match"], reply["matches"][:len(ours)]):
            check(f"{compact(schema)} does not accept {text}", matches or not validates(schema, text))
        for text, matches in zip(request["match"][len(ours):], reply["matches"][len(ours):]):
            check(f"{compact(schema)} accepts {text}", not matches or validates(schema, text))
        for text in reply["samples"]:
            check(f"{compact(schema)} gives {text}", validates(schema, text))


# --- patterns ---

def pattern(rng, depth=0):
    roll = rng.random()
    if depth > 3 or roll < 0.4:
        return rng.choice(["a", "b", "c", "1", ".", "\\d", "\\w", "\\s", "[ab]", "[^a]", "[a-c1]", "\\.", "[^\\w]", "\\D", "-",
                           "\\x61", "[\\]\\-]", "\\S"])
    inner = pattern(rng, depth + 1)
    if roll < 0.6:
        return inner + pattern(rng, depth + 1)
    if roll < 0.7:
        return f"(?:{inner}|{pattern(rng, depth + 1)})"
    if roll < 0.75:
        return f"({rng.choice(['^', '', ''])}{inner}|{pattern(rng, depth + 1)}{rng.choice(['$', '', ''])})"
    return f"(?:{inner})" + rng.choice(["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?", "{3}?"])


def regexes(rng, count):
    requests = []
    for i in range(count):
        texts = ["".join(rng.choices("abc1.- ", k=rng.randint(0, 7))) for _ in range(20)] + ["", "a", "ab", "aa1"]
        requests.append({"regex": pattern(rng), "match": texts, "sample": 6, "seed": i + 1})
    for request, reply in ask(requests):
        text = request["regex"]
        if "error" in reply:  # an anchor in the middle can make a pattern that matches nothing
            check(f"{text}: {reply}", "matches no text" in reply["error"])
            continue
        check(f"{text}: {reply.get('bug')}", "bug" not in reply)
        compiled = re.compile(text)
        for candidate, matches in zip(request["match"], reply.get("matches", [])):
            check(f"{text!r} on {candidate!r}: ours {matches}", matches == bool(compiled.fullmatch(candidate)))
        for sample in reply.get("samples", []):
            check(f"{text!r} gives {sample!r}", compiled.fullmatch(sample))


# --- GBNF ---

def gbnf():
    files = sorted(grammars_folder().glob("*.gbnf"))
    check("there are example grammars", len(files) >= 5)
    for (_, reply), file in zip(ask([{"gbnf": f.read_text(), "sample": 20, "seed": 3} for f in files]), files):
        check(f"{file.name}: {reply}", "samples" in reply)
        for text in reply.get("samples", []) if file.name.startswith("json") else []:
            try:
                json.loads(text)
                check(file.name, True)
            except ValueError as error:
                check(f"{file.name} gives {text}: {error}", False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=600, help="random schemas and patterns")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    suite()
    schemas(rng, args.count)
    regexes(rng, args.count)
    gbnf()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
