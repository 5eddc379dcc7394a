#!/usr/bin/env python3
"""Writes tests/golden/chat/*.json: templates, inputs, and what jinja2 set up as in transformers makes of them.

Usage: tools/make_template_fixtures.py   (needs jinja2)

Each file is a list of {"name", "template", "input", "now"?, and "output" or "error"}. For "error" the value is a part of
our own message, given here by hand; jinja2 must fail as well.
"""
import json
import os
import pathlib
import sys
import time

os.environ["TZ"] = "UTC"
time.tzset()
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "parity" / "support"))
import jinja_oracle  # noqa: E402

NOW = 1753900000  # 30 July 2025, 18:26:40 UTC
DATA = {"xs": [3, 1, 2], "s": "Hello World", "u": "naïve 你好 🙂", "n": 7, "f": 2.5, "d": {"b": 1, "a": [True, None]},
        "ms": [{"role": "user", "n": 2}, {"role": "assistant", "n": 1}, {"role": "user", "n": 3}], "empty": [], "nothing": None}

# name -> template
LOOPS = {
    "index": "{% for x in xs %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.length }};{% endfor %}",
    "first and last": "{% for x in xs %}{{ '[' if loop.first }}{{ x }}{{ ']' if loop.last else ',' }}{% endfor %}",
    "previous and next": "{% for x in xs %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}",
    "cycle and changed": "{% for m in ms %}{{ loop.cycle('a', 'b') }}{{ loop.changed(m.role) }} {% endfor %}",
    "filter is lazy": "{% set ns = namespace(top=0) %}{% for x in [1, 3, 2, 5] if x > ns.top %}{% set ns.top = x %}{{ x }}{% endfor %}",
    "filter and loop": "{% for x in xs if x > 1 %}{{ loop.index }}/{{ loop.length }}:{{ x }} {% endfor %}",
    "else": "{% for x in empty %}x{% else %}none{% endfor %}",
    "else runs when no turn is completed": "{% for x in xs %}{% continue %}{% else %}else{% endfor %}",
    "break and continue": "{% for x in range(9) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "recursive": "{% for x in [1, [2, [3]]] recursive %}{% if x is number %}{{ loop.depth }}:{{ x }} {% else %}({{ loop(x) }}){% endif %}{% endfor %}",
    "unpack": "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for a, (b, c) in [(1, (2, 3))] %}{{ a + b + c }}{% endfor %}",
    "strings": "{% for c in u %}[{{ c }}]{% endfor %}",
    "undefined": "{% for x in missing %}x{% endfor %}.",
    "assignment stays inside": "{% set v = 1 %}{% for x in xs %}{% set v = v + x %}{{ v }} {% endfor %}{{ v }}",
    "assignment in if goes outside": "{% if n %}{% set v = 'set' %}{% endif %}{{ v }}",
    "a later assignment hides the caller's": "{% for x in xs %}{{ n }}{% endfor %}{% set n = 1 %}{{ n }}",
    "break drops a capture": "{% for x in xs %}{% filter upper %}lost{% break %}{% endfilter %}{% endfor %}.",
}
MACROS = {
    "defaults": "{% macro m(a, b='B', c=a) %}{{ a }}{{ b }}{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}{{ m(b=2) }}",
    "varargs and kwargs": "{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, k=4) }}",
    "call block": "{% macro m(x) %}<{{ caller(x, y=2) }}>{% endmacro %}{% call(a, y) m(5) %}{{ a }}-{{ y }}{% endcall %}",
    "no caller": "{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}",
    "recursion": "{% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}",
    "closure sees later values": "{% set v = 1 %}{% macro m() %}{{ v }}{% endmacro %}{% set v = 2 %}{{ m() }}",
    "attributes": "{% macro m(a, b) %}{{ kwargs }}{% endmacro %}{{ m.name }}{{ m.arguments }}{{ m.catch_kwargs }}{{ m.catch_varargs }}",
    "namespace": "{% set ns = namespace(a=1, b=[]) %}{% for x in xs %}{% set ns.a = ns.a * x %}{% endfor %}{{ ns.a }}{{ ns['b'] }}{{ ns }}",
    "set block": "{% set v | upper %}a{{ n }}b{% endset %}{{ v }}",
    "with": "{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a }}",
    "filter block": "{% filter replace('a', 'b') | upper %}banana{% endfilter %}",
    "generation": "{% for m in ms %}{% generation %}{{ m.role }}{{ loop.index }}{% endgeneration %}|{% endfor %}",
    "cycler and joiner": "{% set c = cycler('a', 'b') %}{% set j = joiner('|') %}{% for x in xs %}{{ j() }}{{ c.next() }}{% endfor %}{{ c.current }}",
}
SPACES = {
    "trim_blocks": "{% if n %}\nyes\n{% endif %}\nend\n\n",
    "lstrip_blocks": "  {% if n %}\n  a {% if n %} b\n\t{% endif %}\n{%+ endif %}c",
    "signs": "a \n {%- if n -%} \n b \n {%- endif -%} \n c {{- n -}}  d",
    "plus": "  {%+ if n +%}\n x{% endif %}",
    "comments": "a {# x #} b\n  {# y #}\nc {#- z -#} d",
    "raw": "{% raw %}\n{{ x }} {% if %}{# #}{% endraw %}\n|{%- raw -%}  {{ }}  {%- endraw -%} .",
    "carriage returns": "a\r\nb\rc{% if n %}\r\nd{% endif %}",
    "print is not stripped": "  {{ n }}\n  {{ n }}",
    "strings": "{{ 'it\\'s \\u4f60 \\x41 \\101 \\n' ~ \"a\" 'b' }}",
}
VALUES = {
    "repr": "{{ [1, 'a\"b', \"it's\", None, True, 1.0, (1,), {'k': [u]}, '\\n\\x00é'] }}",
    "floats": "{{ [1e16, 1e15, 0.0001, 0.00001, 1/3, -0.0, 1e300 * 1e10, 123456789.123, 5e-324, 2.5e20] }}",
    "division": "{{ 7 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ -2 ** 2 }}",
    "logic": "{{ 0 or 'x' }}{{ 1 and [] }}{{ not '' }}{{ 1 < 2 < 3 > 2 }}{{ 1 in xs }}{{ 'z' not in s }}{{ true == 1 }}{{ 'a' < 'b' }}{{ [1, 2] < [1, 3] }}",
    "slices": "{{ s[1:4] }}{{ s[::-1] }}{{ s[-3:] }}{{ u[6:8] }}{{ u[::2] }}{{ xs[-1] }}{{ xs[:-1] }}{{ (1, 2, 3)[::2] }}{{ range(9)[2:7:2]|list }}",
    "strings": "{{ 'ab' * 3 }}{{ 2 * [1] }}{{ 'a' ~ 1 ~ none ~ missing }}{{ [1] + [2] }}{{ 'x' 'y' }}",
    "conditional": "{{ 'a' if n }}{{ 'b' if not n }}{{ 'c' if not n else 'd' }}",
    "undefined": "{{ missing }}{{ missing is defined }}{{ d.zz }}{{ d['zz'] is undefined }}{{ missing|default('x') }}{{ xs[9] }}{{ missing == other }}",
    "items win over attributes in brackets": "{{ {'items': 1}['items'] }}{{ {'k': 2}.k }}",
    "percent": "{{ '%s|%5d|%-5s|%05.1f|%x|%%|%r|%(k)s' % {'k': 1} if false else '%s|%5d|%-5s|%05.1f|%x|%%|%r' % ('a', 3, 'b', 2.25, 255, 'c') }}",
    "braces": "{{ '{} {0}' if false else '{0}{1}{0} {a[k]} {b!r:>5}|{c:08.3f}|{n:,}|{n:+}|{s:^7}|{{}}'.format(1, 2, a={'k': 3}, b='x', c=3.14159, n=1234567, s='mid') }}",
    "time": "{{ strftime_now('%d %B %Y %H:%M:%S %j %-d %b %a %p %I %y %%') }}",
    "markup": "{{ '<a>' + ('<b>'|safe) }}{{ ('<i>'|e) ~ '<u>' }}{{ ('%s'|safe) % '<' }}{{ '<x>'|escape|upper }}",
    "json": "{{ {'a': [1, 2.0, None, True, 'é\"\\n\\u2028\\x01/'], 'b': {}, 'c': []}|tojson }}{{ d|tojson(indent=2) }}{{ u|tojson(ensure_ascii=true) }}"
            "{{ d|tojson(sort_keys=true, separators=(',', ':')) }}{{ [(1, 2)]|tojson(indent='\t') }}{{ {1: 2, none: 3, true: 4}|tojson }}",
    "dict": "{{ dict(a=1, **{'b': 2}) }}{{ dict([('x', 1)]) }}{{ d.get('zz', 5) }}{{ d.keys()|list }}{{ d.values()|list }}{{ d.items() }}",
}
FILTERS = {
    "text": "{{ s|upper }}{{ s|lower }}{{ 'a-b c'|title }}{{ 'ABC d'|capitalize }}[{{ ' x '|trim }}][{{ 'xxaxx'|trim('x') }}]{{ s|replace('l', 'L', 2) }}[{{ 'ab'|center(7) }}]",
    "lines": "{{ 'a\\n\\nb'|indent(2) }}|{{ 'a\\n\\nb'|indent('> ', true, true) }}|{{ 'one two three four'|truncate(9, leeway=0) }}|{{ s|wordcount }}",
    "web": "{{ 'a b&c/é'|urlencode }}{{ {'k': 'a b'}|urlencode }}{{ 1500|filesizeformat }}{{ 2048|filesizeformat(true) }}{{ '<'|e }}",
    "numbers": "{{ '42'|int }}{{ 'x'|int(5) }}{{ '0x1F'|int(base=16) }}{{ '3.7'|int }}{{ '2.5'|float }}{{ -3|abs }}{{ 2.5|round }}{{ 3.14159|round(2) }}{{ 2.1|round(0, 'ceil') }}{{ 7|round(-1) }}",
    "sequences": "{{ xs|sort }}{{ xs|sort(reverse=true) }}{{ xs|first }}{{ xs|last }}{{ xs|reverse|list }}{{ s|reverse }}{{ xs|sum }}{{ xs|min }}{{ xs|max }}{{ xs|length }}{{ [1, 1, 'A', 'a']|unique|list }}",
    "batches": "{{ range(5)|batch(2)|list }}{{ range(5)|batch(2, 0)|list }}{{ range(5)|slice(2)|list }}{{ range(5)|slice(3, 'x')|list }}",
    "attributes": "{{ ms|map(attribute='n')|list }}{{ ms|selectattr('role', 'eq', 'user')|list|length }}{{ ms|rejectattr('n', 'gt', 1)|list }}{{ ms|sort(attribute='n')|map(attribute='n')|join('<') }}{{ ms|sum(attribute='n') }}{{ ms|max(attribute='n') }}",
    "groups": "{% for role, items in ms|groupby('role') %}{{ role }}:{{ items|length }} {% endfor %}{{ (ms|groupby('role'))[0].grouper }}",
    "selection": "{{ range(6)|select('odd')|list }}{{ range(6)|reject('odd')|join }}{{ ['', 'a']|select|list }}{{ ['a', 'b']|map('upper')|join(',') }}{{ xs|map('string')|list }}",
    "a generator is empty the second time": "{% set g = xs|map('string') %}{{ g|list }}{{ g|list }}",
    "a generator fails only when it is walked": "{% set a = n|batch(2) %}{% set b = n|unique %}{% set c = n|map('upper') %}fine {{ [1]|truncate(1, true, '') }}",
    "dicts": "{{ {'b': 1, 'A': 2}|dictsort }}{{ {'b': 1, 'A': 2}|dictsort(true) }}{{ {'b': 1, 'A': 2}|dictsort(false, 'value', true) }}{{ d|items|list }}",
    "default": "{{ missing|default }}{{ ''|default('x') }}{{ ''|default('x', true) }}{{ none|d('y') }}",
    "format": "{{ '%s-%s'|format(1, 2) }}{{ '%(a)s'|format(a=3) }}{{ 5|string ~ 'x' }}{{ [1]|string }}",
    "methods": "{{ ' a b '.split() }}{{ 'a,b,c'.split(',', 1) }}{{ 'a,b'.rsplit(',') }}{{ s.startswith(('X', 'H')) }}{{ s.find('o') }}{{ s.count('l') }}{{ 'a\\nb\\r\\nc'.splitlines() }}{{ 'ß'.upper() }}{{ 'ΑΣ'.lower() }}{{ '7'.zfill(3) }}{{ s.partition(' ') }}{{ '²'.isdigit() }}{{ 'x'.join(['a', 'b']) }}",
}
TESTS = {
    "types": "{% for v in [1, 1.5, 'a', none, true, [], {}, (1,), range(2)] %}{{ v is number }}{{ v is integer }}{{ v is float }}{{ v is string }}{{ v is none }}{{ v is boolean }}{{ v is mapping }}{{ v is sequence }}{{ v is iterable }};{% endfor %}",
    "numbers": "{{ 3 is odd }}{{ 4 is even }}{{ 9 is divisibleby 3 }}{{ 2 is gt 1 }}{{ 2 is le(2) }}{{ 2 is in xs }}{{ 3 is eq 3 }}{{ 2 is not ne 2 }}",
    "others": "{{ 'a' is lower }}{{ 'A' is upper }}{{ true is true }}{{ 1 is true }}{{ false is false }}{{ range is callable }}{{ 'upper' is filter }}{{ 'odd' is test }}{{ missing is sequence }}{{ xs is sameas xs }}{{ ('a'|e) is escaped }}",
}
# name -> (template, part of our message)
ERRORS = {
    "raise_exception": ("{{ raise_exception('roles must alternate') }}", "roles must alternate"),
    "attribute of undefined": ("a\n{{ missing.x }}", "template:2: 'missing' is undefined"),
    "attribute of a missing key": ("{{ d.zz.y }}", "'dict object' has no attribute 'zz'"),
    "addition of str and int": ("{{ 'a' + 1 }}", "unsupported operand type(s) for +: 'str' and 'int'"),
    "division by zero": ("{{ 1 / 0 }}", "division by zero"),
    "comparison of str and int": ("{{ 'a' < 1 }}", "'<' not supported between instances of 'str' and 'int'"),
    "unknown tag": ("{% frob %}", "encountered unknown tag 'frob'"),
    "unknown filter": ("\n\n{{ 1|frob }}", "template:3: no filter named 'frob'"),
    "unknown filter that is reached": ("{% if true %}{{ 1|frob }}{% endif %}", "no filter named 'frob'"),
    "unknown test": ("{{ 1 is frob }}", "no test named 'frob'"),
    "unclosed block": ("{% if true %}", "unexpected end of template"),
    "unclosed comment": ("{# a", "missing end of comment tag"),
    "wrong bracket": ("{{ (1] }}", "unexpected ']', expected ')'"),
    "break outside a loop": ("{% break %}", "'break' outside loop"),
    "assignment to loop": ("{% for x in xs %}{% set loop = 1 %}{% endfor %}", "loop variable"),
    "include": ("{% include 'a.txt' %}", "template:1: 'include' is not supported"),
    "import": ("{% import 'a.txt' as a %}", "'import' is not supported"),
    "extends": ("{% extends 'a.txt' %}", "'extends' is not supported"),
    "calling a string": ("{{ 'a'() }}", "'str' object is not callable"),
    "a list names no filter": ("{{ [] is filter }}", "unhashable type: 'list'"),
    "unpacking": ("{% for a, b in [[1, 2, 3]] %}{% endfor %}", "too many values to unpack"),
    "json of undefined": ("{{ missing|tojson }}", "Undefined is not JSON serializable"),
    "dunder chain": ("{{ ''.__class__.__mro__ }}", "unknown attribute '__class__'"),
    "dunder in format": ("{{ '{0.__class__.__name__}'.format(1) }}", "unknown attribute '__class__'"),
    "dunder item": ("{{ cycler['__init__']['__globals__'] }}", "unknown attribute '__init__'"),
    "namespace underscore": ("{% set ns = namespace(_a=1) %}", "unknown attribute '_a'"),
    "attribute on a dict": ("{% set d.x = 1 %}", "cannot assign attribute on non-namespace object"),
    "too large a range": ("{{ range(10**9)|length }}", "range too big"),
    "recursion": ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "depth limit"),
    "a list that is its own item": ("{% set l = [] %}{% set _ = l.append(l) %}{{ l|tojson }}", "depth limit"),
}
CHATML = ("{%- for message in messages %}{%- if loop.first and message.role != 'system' %}{{- '<|im_start|>system\\nBe brief.<|im_end|>\\n' }}{%- endif %}"
          "{{- '<|im_start|>' + message.role + '\\n' + (message.content or '') }}{%- for call in message.tool_calls or [] %}"
          "{{- '\\n<tool_call>\\n' ~ call.function|tojson ~ '\\n</tool_call>' }}{%- endfor %}{{- '<|im_end|>\\n' }}{%- endfor %}"
          "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- if enable_thinking is defined and enable_thinking is false %}"
          "{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}")
TURNS = ("{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] | trim + '\\n\\n' %}{% set rest = messages[1:] %}"
         "{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}{% for m in rest %}"
         "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate user/assistant') }}{% endif %}"
         "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ (first if loop.first else '') ~ (m.content | trim) }}<end_of_turn>\n"
         "{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}")
BRACKETS = ("{%- set ns = namespace(tools=false) %}{%- for m in messages %}{%- if m.role == 'user' %}{%- if loop.last and tools %}"
            "{{- '[AVAILABLE_TOOLS] ' + tools|tojson + '[/AVAILABLE_TOOLS]' }}{%- set ns.tools = true %}{%- endif %}"
            "{{- '[INST] ' + (m.content if m.content is string else m.content|selectattr('type', 'eq', 'text')|map(attribute='text')|join('\\n')) + ' [/INST]' }}"
            "{%- elif m.role == 'assistant' %}{{- ' ' + m.content.split('</think>')[-1].lstrip() + eos_token }}{%- endif %}{%- endfor %}{{ ns.tools }}")


def chats():
    system, hi, yo = {"role": "system", "content": "系统 "}, {"role": "user", "content": "Hi 🙂"}, {"role": "assistant", "content": "<think>x</think>\n Yo"}
    call = {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"a": [1, "é"]}}}]}
    parts = {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]}
    common = {"bos_token": "<bos>", "eos_token": "</s>", "add_generation_prompt": True}
    tools = [{"type": "function", "function": {"name": "f", "description": "<d> \"q\""}}]
    for name, template, variables in [
            ("chatml", CHATML, {"messages": [hi, yo, hi]}), ("chatml with system", CHATML, {"messages": [system, hi], "add_generation_prompt": False}),
            ("chatml without thinking", CHATML, {"messages": [hi], "enable_thinking": False}), ("chatml with a tool call", CHATML, {"messages": [hi, call]}),
            ("turns", TURNS, {"messages": [system, hi, yo, hi]}), ("turns out of order", TURNS, {"messages": [hi, hi]}),
            ("brackets", BRACKETS, {"messages": [hi, yo, hi], "tools": tools}), ("brackets with parts", BRACKETS, {"messages": [parts]})]:
        error = "roles must alternate user/assistant" if name == "turns out of order" else None
        yield case(name, template, {**common, **variables}, error)


def case(name, template, variables, error=None):
    kind, text = jinja_oracle.render(template, variables, NOW, mutable=True)
    if (kind == "output") != (error is None):
        sys.exit(f"{name}: jinja2 gives {kind}: {text}")
    result = {"name": name, "template": template, "input": variables, "now": NOW}
    return {**result, "output": text} if error is None else {**result, "error": error}


def main():
    files = {"loops": LOOPS, "macros": MACROS, "spaces": SPACES, "values": VALUES, "filters": FILTERS, "tests": TESTS}
    cases = {stem: [case(name, template, DATA) for name, template in group.items()] for stem, group in files.items()}
    cases["errors"] = [case(name, template, DATA, error) for name, (template, error) in ERRORS.items()]
    cases["chats"] = list(chats())
    folder = ROOT / "tests" / "golden" / "chat"
    folder.mkdir(parents=True, exist_ok=True)
    for stem, rows in cases.items():
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        (folder / f"{stem}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{sum(map(len, cases.values()))} cases in {len(cases)} files")


main()
