"""jinja2 set up as transformers' apply_chat_template sets it up: the reference for our template interpreter.

The sandbox of transformers refuses methods that change a list or a dict; ours runs them, because templates that other
runtimes accept need them. `mutable=True` is the same environment without that one refusal.
"""
import datetime
import functools
import json
import subprocess

import jinja2
import jinja2.ext
import jinja2.sandbox


class _Raised(jinja2.exceptions.TemplateError):
    """What the template itself raised."""


class _Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_render"), [], [], body).set_lineno(line)

    @jinja2.pass_eval_context
    def _render(self, context, caller):
        return caller()


class _Namespace(jinja2.utils.Namespace):
    def __init__(*args, **kwargs):
        self, args = args[0], args[1:]
        attributes = dict(*args, **kwargs)
        for name in attributes:
            _Namespace._check(name)
        jinja2.utils.Namespace.__init__(self, attributes)

    def __setitem__(self, name, value):
        _Namespace._check(name)
        jinja2.utils.Namespace.__setitem__(self, name, value)

    @staticmethod
    def _check(name):
        if isinstance(name, str) and name.startswith("_"):
            raise jinja2.exceptions.SecurityError(f"underscore-prefixed attribute {name!r}")


def environment(now=None, mutable=False):
    kind = jinja2.sandbox.SandboxedEnvironment if mutable else jinja2.sandbox.ImmutableSandboxedEnvironment
    env = kind(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, jinja2.ext.loopcontrols])

    def raise_exception(message):
        raise _Raised(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def strftime_now(format):
        moment = datetime.datetime.fromtimestamp(now) if now is not None else datetime.datetime.now()
        return moment.strftime(format)

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = strftime_now
    env.globals["dict"] = dict
    env.globals["namespace"] = _Namespace
    del env.globals["lipsum"]
    return env


@functools.lru_cache(maxsize=256)
def _compiled(template, now, mutable):
    return environment(now, mutable).from_string(template)


def render(template, variables, now=None, mutable=False):
    """('output', text), ('raised', message) from raise_exception, or ('error', message)."""
    try:
        text = _compiled(template, now, mutable).render(**variables)
        text.encode("utf-8")
        return "output", text
    except _Raised as error:
        return "raised", str(error)
    except RecursionError:
        return "error", "recursion"
    except Exception as error:  # whatever Python raises inside a template
        return "error", f"{type(error).__name__}: {error}"


class Ours:
    """The driver program, one process for many renderings."""

    def __init__(self, tool):
        self.process = subprocess.Popen([tool], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        encoding="utf-8", env={"TZ": "UTC"})

    def render(self, template, variables, now=None):
        request = {"template": template, "input": variables}
        if now is not None:
            request["now"] = now
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the driver died (exit {self.process.wait()}) on {json.dumps(request)}")
        answer = json.loads(line)
        if "output" in answer:
            return "output", answer["output"]
        return "error", f"{answer['code']}: {answer['error']}"
