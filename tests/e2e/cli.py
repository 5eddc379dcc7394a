#!/usr/bin/env python3
"""The command line with the real default model: the stable forms, the exit codes, one line an error, Ctrl-C, terminals.

usage: SHENBI=build/release/shenbi tests/e2e/cli.py [WORD ...]   (needs gemma3:270m in the store)
"""
import contextlib
import json
import math
import os
import pathlib
import pty
import select
import signal
import subprocess
import tempfile
import termios
import time

from support.cases import PATIENCE, PROGRAM, Home, case, check, equal, finish, interrupt, main, wait_for

MODEL = "gemma3:270m"
PROMPT = "The capital of France is"
folder = pathlib.Path(tempfile.mkdtemp(prefix="shenbi-cli-"))


class Shared(Home):
    """The program with the data folder of this machine, where the model is."""

    def __init__(self):
        self.environment = dict(os.environ)

    def __exit__(self, *_):
        pass


program = Shared()


def run(*arguments, **options):
    return program.run(*arguments, **options)


def write(name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def model_path():
    return next(m["path"] for m in json.loads(run("models", "--json").out) if m["name"] == MODEL)


# --- run ------------------------------------------------------------------------------------------------------------------

@case
def run_prints_the_completion_alone():
    result = run("run", MODEL, PROMPT, "-n", 8, "--temp", 0)
    check(result.out.startswith(" ") and result.out.endswith("\n"), repr(result.out))
    check(PROMPT not in result.out, result.out)
    equal(len(result.err.splitlines()), 1, result.err)
    check("8 tokens" in result.err and "thread" in result.err, result.err)
    quiet = run("run", MODEL, PROMPT, "-n", 8, "--temp", 0, "-q")
    equal((quiet.out, quiet.err), (result.out, ""))


@case
def run_gives_the_same_greedy_text_for_every_number_of_threads():
    texts = {run("run", MODEL, PROMPT, "-n", 24, "--temp", 0, "-t", t, "-q").out for t in (1, 2, 3)}
    equal(len(texts), 1, texts)


@case
def run_gives_the_same_sampled_text_for_the_same_seed():
    ask = ["run", MODEL, PROMPT, "-n", 16, "--temp", 1, "-q", "--seed"]
    equal(run(*ask, 7).out, run(*ask, 7).out)
    check(len({run(*ask, seed).out for seed in (7, 8, 9)}) > 1, "the seed changes nothing")


@case
def run_takes_words_a_file_and_standard_input_alike():
    expected = run("run", MODEL, PROMPT, "-n", 6, "--temp", 0, "-q").out
    equal(run("run", MODEL, *PROMPT.split(), "-n", 6, "--temp", 0, "-q").out, expected)
    file = write("prompt.txt", PROMPT)
    equal(run("run", MODEL, "--file", file, "-n", 6, "--temp", 0, "-q").out, expected)
    with open(file) as stdin:
        equal(run("run", MODEL, "--file", "-", "-n", 6, "--temp", 0, "-q", stdin=stdin).out, expected)
    equal(run("run", model_path(), PROMPT, "-n", 6, "--temp", 0, "-q").out, expected)


@case
def run_continues_chinese():
    out = run("run", MODEL, "中国的首都是", "-n", 12, "--temp", 0, "-q").raw.decode()  # valid UTF-8 or an exception
    check("中国" in out, out)


@case
def run_ends_before_a_stop_text():
    whole = run("run", MODEL, PROMPT, "-n", 12, "--temp", 0, "-q").out
    stop = whole.split()[3]
    stopped = run("run", MODEL, PROMPT, "-n", 12, "--temp", 0, "-q", "--stop", stop)
    equal(stopped.out.rstrip("\n"), whole[:whole.index(stop)].rstrip("\n"))


@case
def run_interrupted_keeps_what_was_said():
    process = program.start("run", MODEL, PROMPT, "-n", 0, "--temp", 1, "--seed", 1, bufsize=0)
    first = process.stdout.read(1)
    interrupt(process)
    result = finish(process, 130)
    check(first and result.out.endswith("\n"), result.out)


@case
def run_ends_when_nobody_reads():
    process = program.start("run", MODEL, PROMPT, "-n", 0, "--temp", 1, "--seed", 1, bufsize=0)
    equal(len(process.stdout.read(10)) > 0, True)
    process.stdout.close()
    process.wait(timeout=PATIENCE)  # -n 0 has no end of its own
    equal(process.returncode, 141)
    process.stderr.close()


@case
def run_refuses_a_prompt_longer_than_the_context():
    run("run", MODEL, "word " * 100, "-c", 64, exit=2).error("102", "64")
    run("score", MODEL, "word " * 100, "-c", 64, exit=2).error("102", "64")


# --- score, tokenize, template, inspect -----------------------------------------------------------------------------------

@case
def score_gives_a_line_for_each_token():
    text = "The quick brown fox jumps over the lazy dog. 北京是中国的首都。"
    file = write("text.txt", text)
    ids = json.loads(run("tokenize", MODEL, "--file", file, "--json").out)
    rows = [json.loads(line) for line in run("score", MODEL, "--file", file, "--top", 5, "--json", "-q").out.splitlines()]
    equal([row["id"] for row in rows], ids)
    equal((rows[0]["piece"], rows[0]["logprob"], rows[0]["top"]), ("<bos>", None, None))
    equal("".join(row["piece"] for row in rows[1:]), text)
    for row in rows[1:]:
        equal(sorted(row), ["id", "logprob", "piece", "top"])
        logprobs = [logprob for _, logprob in row["top"]]
        equal(len(logprobs), 5)
        equal(logprobs, sorted(logprobs, reverse=True))
        equal(len({token for token, _ in row["top"]}), 5)
        check(max(logprobs + [row["logprob"]]) <= 0 and sum(map(math.exp, logprobs)) <= 1 + 1e-5, row)
        best = dict(map(tuple, row["top"]))
        if row["id"] in best:  # float against double: seven digits
            check(abs(best[row["id"]] - row["logprob"]) < 1e-4, row)
        else:
            check(row["logprob"] <= logprobs[-1] + 1e-4, row)


@case
def score_agrees_with_the_greedy_choice():
    answer = run("run", MODEL, PROMPT, "-n", 4, "--temp", 0, "-q").out.rstrip("\n")
    rows = [json.loads(line) for line in
            run("score", MODEL, PROMPT + answer, "--top", 1, "--json", "-q").out.splitlines()]
    for row in rows[-4:]:
        equal(row["top"][0][0], row["id"], row)


@case
def score_without_top_has_empty_lists():
    rows = [json.loads(line) for line in run("score", MODEL, "a b", "--json", "-q").out.splitlines()]
    equal([row["top"] for row in rows[1:]], [[]] * (len(rows) - 1))


@case
def tokenize_gives_an_array_of_ids():
    file = write("tokenize.txt", "Hello 世界 \U0001f600\n\n\tcode();")
    ids = json.loads(run("tokenize", MODEL, "--file", file, "--json").out)
    plain = json.loads(run("tokenize", MODEL, "--file", file, "--json", "--no-special").out)
    equal(ids, [2] + plain)
    check(all(isinstance(i, int) for i in ids), ids)
    special = json.loads(run("tokenize", MODEL, "<bos>", "--json", "--no-special", "--parse-special").out)
    equal(special, [2])
    check(json.loads(run("tokenize", MODEL, "<bos>", "--json", "--no-special").out) != [2], "text became a control token")


@case
def tokenize_of_nothing_and_of_broken_text():
    equal(json.loads(run("tokenize", MODEL, "--file", write("empty.txt", ""), "--json").out), [2])
    broken = json.loads(run("tokenize", MODEL, "--file", write("broken.txt", b"a\xff\xfe\0b"), "--json").out)
    check(len(broken) > 1, broken)


@case
def template_prints_the_rendered_text_alone():
    template = write("t.jinja", "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>\n"
                                "{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}")
    conversation = write("conversation.json", json.dumps(
        {"messages": [{"role": "user", "content": "你好"}], "add_generation_prompt": True, "bos_token": "<s>"}))
    result = run("template", "--template", template, "--input", conversation)
    equal((result.out, result.err), ("<s><user>你好</user>\n<assistant>", ""))
    bad = write("bad.jinja", "a\n{% for %}")
    run("template", "--template", bad, "--input", conversation, exit=2).error("bad.jinja:2")
    run("template", "--template", template, "--input", bad, exit=4).error("bad.jinja", "byte")
    run("template", "--template", template, "--input", write("list.json", "[]"), exit=2).error("list.json")


@case
def inspect_tells_what_the_file_holds():
    found = json.loads(run("inspect", model_path(), "--json").out)
    for key, value in {"architecture": "gemma3", "format": "GGUF", "layers": 18, "embedding_size": 640,
                       "context_length": 32768, "file_bytes": 253113024}.items():
        equal(found[key], value, key)
    equal(json.loads(run("inspect", MODEL, "--json").out), found)
    check(found["memory"]["total"] > found["memory"]["weights"] > 200_000_000, found["memory"])
    text = run("inspect", MODEL).out
    check("gemma3" in text and len(text.splitlines()) < 60, text)


@case
def models_lists_the_model():
    rows = json.loads(run("models", "--json").out)
    row = next(row for row in rows if row["name"] == MODEL)
    equal(row["bytes"], 253113024)
    check(os.path.exists(row["path"]), row)
    check(MODEL in run("models").out)


# --- errors ---------------------------------------------------------------------------------------------------------------

@case
def errors_are_one_line_and_their_kind_is_the_exit_status():
    whole = pathlib.Path(model_path()).read_bytes()
    cut = write("cut.gguf", whole[:1_000_000])
    lying = write("lying.gguf", whole[:8] + b"\xff" * 8 + whole[16:4096])
    text = write("plain.gguf", "no model")
    config = write("config.json", "{}")
    table = [
        (3, ["run", "none:1", "x"], ["none:1", "shenbi pull"]),
        (3, ["run", "/no/such.gguf", "x"], ["/no/such.gguf"]),
        (3, ["score", MODEL, "--file", "/no/such.txt"], ["/no/such.txt"]),
        (3, ["tokenize", MODEL, "--file", folder], [str(folder)]),
        (3, ["template", "--template", "/no/t.jinja", "--input", config], ["/no/t.jinja"]),
        (3, ["rm", "none:1"], ["none:1"]),
        (4, ["run", cut, "x"], ["cut.gguf"]),
        (4, ["inspect", lying], ["lying.gguf"]),
        (4, ["tokenize", lying, "x"], ["lying.gguf"]),
        (5, ["run", text, "x"], ["plain.gguf"]),
        (5, ["inspect", text], ["plain.gguf"]),
        (2, [], []),
        (2, ["nonsense"], ["nonsense"]),
        (2, ["run", MODEL], []),
        (2, ["run", MODEL, "x", "--nonsense"], ["--nonsense"]),
        (2, ["run", MODEL, "x", "--temp", "warm"], ["warm"]),
        (2, ["run", MODEL, "x", "--temp", "nan"], ["nan"]),
        (2, ["run", MODEL, "x", "-n", "-1"], ["-1"]),
        (2, ["run", MODEL, "x", "--top-p", "7"], ["7"]),
        (2, ["run", MODEL, "x", "-t", "5000"], ["5000"]),
        (2, ["run", MODEL, "x", "--file", config], ["--file"]),
        (2, ["run", MODEL, "x", "--system", "y"], ["--system"]),
        (3, ["run", "../x\n\x1b[2J", "x"], ["\\x0A"]),
        (2, ["score", MODEL, "x", "--top", "100000"], ["100000"]),
        (2, ["template", "--input", config], ["--template"]),
    ]
    for status, arguments, words in table:
        result = run(*arguments, exit=status)
        equal(result.out, "", arguments)
        equal(len(result.err.splitlines()), 1, arguments, result.err)
        result.error(*words)


@case
def help_of_every_command():
    overview = run("--help")
    equal(overview.err, "")
    names = [n for n in "run chat pull models rm cp inspect tokenize template score perplexity fidelity quantize bench doctor".split()
             if n in overview.out]
    equal(len(names), 15, overview.out)
    for name in names:
        result = run(name, "--help")
        check(f"shenbi {name}" in result.out and result.err == "", result.out)
    check(run("--version").out.strip()[0].isdigit())


# --- chat -----------------------------------------------------------------------------------------------------------------

def chat(text, *arguments):
    process = program.start("chat", MODEL, "--temp", 0, "-n", 8, "-q", *arguments, stdin=subprocess.PIPE)
    process.stdin.write(text.encode())
    return finish(process)


@case
def chat_through_a_pipe_answers_and_obeys():
    saved = folder / "saved.json"
    result = chat(f"/help\n/stats\n/undo\nHello\n/stats\n/save {saved}\n/quit\nnever read\n")
    check("/retry" in result.out and "no answer yet" in result.out and "nothing to forget" in result.out, result.out)
    check("tokens/s" in result.out and "never read" not in result.out, result.out)
    equal(result.err, "(the answer reached the limit of tokens)\n" if "limit" in result.err else "")
    messages = json.loads(saved.read_text())
    equal([m["role"] for m in messages], ["user", "assistant"])
    equal(messages[0]["content"], "Hello")
    check(messages[1]["content"] and messages[1]["content"] in result.out, messages)


@case
def chat_system_clear_undo_and_retry_change_the_conversation():
    saved = folder / "changes.json"

    def conversation(text):
        chat(f"{text}\n/save {saved}\n")
        return [(m["role"], m["content"]) for m in json.loads(saved.read_text())]
    equal(conversation("/system Be kind.\nHi\n/clear"), [("system", "Be kind.")])
    equal(conversation("/system Be kind.\nHi\n/system"), [])
    equal(conversation("Hi\n/undo"), [])
    once = conversation("Hi")
    equal(conversation("Hi\n/retry"), once)  # at temperature 0
    equal(conversation('"""one\ntwo"""')[0], ("user", "one\ntwo"))
    equal(conversation("/system A\nHi\n/undo"), [("system", "A")])


@case
def chat_survives_wrong_commands():
    result = chat("/nonsense\n/retry\n/set temperature hot\n/set colour 5\n/set top-p 9\n/set seed 3\n/save /no/such/place\n/stats")
    check("/nonsense" in result.out and "no answer yet" in result.out, result.out)
    for word in ("there is no answer", "hot", "colour", "9", "/no/such/place"):
        check(word in result.err, word, result.err)
    equal(len(result.err.splitlines()), 5, result.err)


@case
def chat_numbers_beyond_every_range_are_refused():
    result = chat("/set tokens -5\n/set tokens 1e30\n/set top-k 1e300\n/set seed nan\n/set temperature inf\n")
    equal(len(result.err.splitlines()), 5, result.err)


class Terminal:
    """The program in a pseudo terminal, as a person sees it."""

    def __init__(self, *arguments):
        self.home = Home()
        environment = {**program.environment, "TERM": "xterm", "HOME": str(self.home.path)}
        self.seen = b""
        path = model_path()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(environment)
            os.environ["SHENBI_HOME"] = str(self.home.path)
            os.execv(PROGRAM, [PROGRAM, "chat", path, *map(str, arguments)])

    def read(self):
        if select.select([self.fd], [], [], 0.05)[0]:
            try:
                self.seen += os.read(self.fd, 65536)
            except OSError:  # the other side is closed
                return False
        return True

    def wait_for(self, text, after=0):
        """Where the text ends."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            at = self.seen.find(text.encode(), after)
            if at >= 0:
                return at + len(text.encode())
            if not self.read():
                break
        raise AssertionError(f"'{text}' did not come: {self.seen[after:].decode(errors='replace')[-2000:]}")

    def wait_for_keys(self):
        """Until it reads key by key: libedit writes its prompt before that, and a Ctrl-D in between is the end of a line to the terminal."""
        wait_for(lambda: self.read() and not termios.tcgetattr(self.fd)[3] & termios.ICANON, "a terminal that hands over each key")

    def type(self, text):
        os.write(self.fd, text.encode())

    def type_until(self, keys, text, after):
        """Types the keys again each second, as a person would: a Ctrl-C that comes between the prompt and the read behind it is seen
        only with the next key."""
        end = time.monotonic() + PATIENCE
        typed = -1.0
        while time.monotonic() < end:
            at = self.seen.find(text.encode(), after)
            if at >= 0:
                return at + len(text.encode())
            if time.monotonic() > typed + 1:
                self.type(keys)
                typed = time.monotonic()
            if not self.read():
                break
        raise AssertionError(f"'{text}' did not come: {self.seen[after:].decode(errors='replace')[-2000:]}")

    def status(self, keys=""):
        """Of the program's end; the keys are typed again each second until then (see type_until)."""
        end, typed = time.monotonic() + PATIENCE, -1.0
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
            if keys and time.monotonic() > typed + 1:
                with contextlib.suppress(OSError):  # it has just ended
                    self.type(keys)
                typed = time.monotonic()
            self.read()
        os.kill(self.pid, signal.SIGKILL)
        raise AssertionError(f"no end after {PATIENCE} s: {self.seen.decode(errors='replace')[-2000:]}")


@case
def chat_in_a_terminal_ctrl_c_stops_the_answer_and_not_the_program():
    terminal = Terminal("--temp", 1, "--seed", 1, "-n", 0)
    terminal.wait_for(">>> ")
    terminal.type("Tell me a very long story about 北京.\r")
    at = terminal.wait_for("北京.")
    wait_for(lambda: terminal.read() and len(terminal.seen) > at + 20, "the answer")
    terminal.type("\x03")
    at = terminal.wait_for("[stopped]")
    at = terminal.wait_for(">>> ", at)
    at = terminal.type_until("\x03", ">>> ", at)  # at the prompt: an empty line
    terminal.type("/stats\r")
    at = terminal.wait_for("tokens/s", at)
    terminal.type("\x1b[A\r")                  # the line before: /stats again
    terminal.wait_for("tokens/s", at)
    terminal.type("/quit\r")
    equal(terminal.status(), 0)
    history = (terminal.home.path / "history").read_text()
    check("stats" in history, history)
    terminal.home.__exit__()


@case
def chat_in_a_terminal_ends_at_ctrl_d():
    terminal = Terminal()
    terminal.wait_for(">>> ")
    terminal.wait_for_keys()
    equal(terminal.status("\x04"), 0)
    terminal.home.__exit__()


@case
def stdout_that_cannot_be_written_is_no_success():
    with open("/dev/full", "w") as full:
        process = program.start("tokenize", MODEL, "Hello", "--json", stdout=full)
        _, err = process.communicate()
        check(process.returncode != 0, err)


main(workers=1)  # the program takes every core itself
