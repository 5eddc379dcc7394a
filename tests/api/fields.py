#!/usr/bin/env python3
"""Every request field that the official clients know is honoured, or refused by its name, or has no effect by its meaning: the table
fields.txt says which, this script asks the server. The names come from the clients' own types: one that the table does not know fails."""
import inspect
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import typing
import urllib.error
import urllib.request

import cohere
import ollama._types as ollama
from anthropic.types import message_count_tokens_params, message_create_params
from google import genai
from openai.types import completion_create_params, embedding_create_params, image_edit_params, image_generate_params, video_create_params
from openai.types.audio import speech_create_params, transcription_create_params, translation_create_params
from openai.types.chat import completion_create_params as chat_params
from openai.types.responses import response_create_params

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from api.support.media_house import MediaHouse  # noqa: E402
from api.support.rerank_house import RerankHouse  # noqa: E402
from api.support.server import MODEL, PATIENCE, SHENBI, Server  # noqa: E402
from api.support.tooled_model import tooled_model  # noqa: E402
from e2e.support.cases import case, check, equal, main  # noqa: E402

TOOLED = str(tooled_model())
house = MediaHouse()  # of media: it says what it was asked
home = tempfile.TemporaryDirectory(prefix="shenbi-fields-")
ranker = RerankHouse()  # of documents: a score hangs on how much of each is read
for name, kind, address in (("house", "compatible", house.url), ("ranker", "shenbi", ranker.url)):
    subprocess.run([SHENBI, "upstreams", "add", name, "--house", kind, "--base-url", address], check=True, capture_output=True,
                   env={**os.environ, "SHENBI_HOME": home.name})
server = Server("--context", "512", f"--alias=first={TOOLED}", f"--alias=second={MODEL}", models=(MODEL, TOOLED), home=home.name)
TURN = [{"role": "user", "content": "Tell me about the sun."}]
LINE = re.compile(r"^  (?P<name>\w+)\s+(?P<outcome>honoured|ignored|refused|unsent)\s+(?P<rest>.*?)(?:\s{3,}# .*)?$")
# They differ from answer to answer. (Anthropic's input_tokens are those that no cache had.)
PASSING = {"id", "item_id", "call_id", "created", "created_at", "responseId", "response_id", "cached_tokens", "cachedContentTokenCount",
           "cached_content_token_count", "cache_read_input_tokens", "total_duration", "load_duration", "prompt_eval_duration", "eval_duration",
           "model", "modelVersion", "model_version", "sdk_http_response",
           "automatic_function_calling_history", "completed_at"}


def names(kind):
    return set(typing.get_type_hints(kind))


def arguments(call):
    return set(inspect.signature(call).parameters) - {"self", "request_options"}


def members(kind):
    return set(kind.model_fields)


RANKED = {"model": "ranker/m", "query": "red pandas", "documents": ["a cat", "where there is bamboo, red pandas live"]}
# What a kind of request is: where it goes, what stands in it, the names that its client knows.
SAMPLED = {"temperature": 1, "seed": 5}
KINDS = {
    "openai chat": ("/v1/chat/completions", {"model": "first", "messages": TURN, "max_tokens": 6, **SAMPLED}, names(chat_params.CompletionCreateParamsStreaming)),
    "openai completions": ("/v1/completions", {"model": "first", "prompt": "The sun", "max_tokens": 6, **SAMPLED}, names(completion_create_params.CompletionCreateParamsStreaming)),
    "openai responses": ("/v1/responses", {"model": "first", "input": "Tell me about the sun.", "max_output_tokens": 16, "temperature": 1, "seed": 5},
                         names(response_create_params.ResponseCreateParamsStreaming)),
    "openai embeddings": ("/v1/embeddings", {"model": "first", "input": "sun"}, names(embedding_create_params.EmbeddingCreateParams)),
    "cohere rerank": ("/v2/rerank", RANKED, arguments(cohere.ClientV2.rerank)),
    "cohere rerank v1": ("/v1/rerank", RANKED, arguments(cohere.Client.rerank)),
    "anthropic messages": ("/v1/messages", {"model": "first", "messages": TURN, "max_tokens": 6, "temperature": 0}, names(message_create_params.MessageCreateParamsStreaming)),
    "anthropic count_tokens": ("/v1/messages/count_tokens", {"model": "first", "messages": TURN}, names(message_count_tokens_params.MessageCountTokensParams)),
    "ollama chat": ("/api/chat", {"model": "first", "messages": TURN, "stream": False, "options": {"num_predict": 6, **SAMPLED}}, members(ollama.ChatRequest)),
    "ollama generate": ("/api/generate", {"model": "first", "prompt": "The sun", "stream": False, "options": {"num_predict": 6, **SAMPLED}}, members(ollama.GenerateRequest)),
    "ollama embed": ("/api/embed", {"model": "first", "input": "sun"}, members(ollama.EmbedRequest)),
    "ollama options": ("/api/chat", {"num_predict": 6, **SAMPLED}, members(ollama.Options)),
    "openai images": ("/v1/images/generations", {"model": "house/echo", "prompt": "a cat"}, names(image_generate_params.ImageGenerateParamsStreaming)),
    "openai speech": ("/v1/audio/speech", {"model": "house/echo", "input": "hello", "voice": "alloy"}, names(speech_create_params.SpeechCreateParams)),
    "openai image edits": ("/v1/images/edits", {"model": "house/echo", "prompt": "a hat", "image": b"one"}, names(image_edit_params.ImageEditParamsStreaming)),
    "openai transcriptions": ("/v1/audio/transcriptions", {"model": "house/echo", "file": b"sound"}, names(transcription_create_params.TranscriptionCreateParamsStreaming)),
    "openai translations": ("/v1/audio/translations", {"model": "house/echo", "file": b"sound"}, names(translation_create_params.TranslationCreateParams)),
    "openai videos": ("/v1/videos", {"model": "house/echo", "prompt": "a cat"}, names(video_create_params.VideoCreateParams)),
    "gemini config": (None, {"max_output_tokens": 6, **SAMPLED}, members(genai.types.GenerateContentConfig)),
}


def read_table():
    table, lines = {}, None
    for number, text in enumerate((HERE / "fields.txt").read_text().splitlines(), 1):
        if not text.strip() or text.startswith("#"):
            continue
        if not text.startswith(" "):
            lines = table.setdefault(text.strip(), [])
            continue
        found = LINE.match(text)
        check(found, f"fields.txt:{number}: not understood: {text}")
        value, _, more = found["rest"].partition(" with ")
        lines.append((found["name"], found["outcome"], json.loads(value), json.loads(more or "{}")))
    return table


TABLE = read_table()


def lasting(value):
    if isinstance(value, dict):
        return {k: lasting(v) for k, v in value.items() if k not in PASSING}
    return [lasting(one) for one in value] if isinstance(value, list) else value


FORMS = {"/v1/images/edits", "/v1/audio/transcriptions", "/v1/audio/translations"}


def formed(body):
    """A body as a form: bytes and what the table writes as {"file": TEXT} are files, lists come field by field."""
    edge, parts = "edge-of-this-test", []
    for name, value in body.items():
        for one in value if isinstance(value, list) else [value]:
            content = one["file"].encode() if isinstance(one, dict) and "file" in one else one
            file = '; filename="a.bin"' if isinstance(content, bytes) else ""
            text = content if isinstance(content, bytes) else (content if isinstance(content, str) else json.dumps(content)).encode()
            parts.append(f'--{edge}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + text + b"\r\n")
    return b"".join(parts) + f"--{edge}--\r\n".encode(), f"multipart/form-data; boundary={edge}"


def posted(path, body):
    """(status, text) of a refusal, (200, what lasts of the answer)."""
    data, kind = formed(body) if path in FORMS else (json.dumps(body).encode(), "application/json")
    request = urllib.request.Request(server.url + path, data=data, headers={"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line and not line.startswith(("event:", ":"))]
    return 200, [lasting(json.loads(line)) for line in lines if line != "[DONE]"]


google = genai.Client(api_key="none", http_options={"base_url": server.url})


def generated(config):
    """The same through Google's client, which writes its settings in another form than it takes them."""
    try:
        answer = google.models.generate_content(model="first", contents="Tell me about the sun.", config=config)
    except genai.errors.APIError as error:
        return error.code, str(error)
    except ValueError as error:  # not for this API, says the client
        return "unsent", str(error)
    return 200, lasting(json.loads(answer.model_dump_json()))


def send(kind, body):
    path = KINDS[kind][0]
    if kind == "gemini config":
        return generated(body)
    return posted(path, {"model": "first", "messages": TURN, "stream": False, "options": body} if kind == "ollama options" else body)


def without_echo(name, answer):
    """What an answer repeats of its request is no effect."""
    if isinstance(answer, dict):
        return {k: without_echo(name, v) for k, v in answer.items() if not (k == name and "object" in answer)}
    return [without_echo(name, one) for one in answer] if isinstance(answer, list) else answer


def camel(name):
    return re.sub(r"_(\w)", lambda m: m[1].upper(), name)


def problem(kind, name, outcome, value, more):
    base = {k: v for k, v in {**KINDS[kind][1], **more}.items() if v is not None}
    status, answer = send(kind, {**base, name: value})
    if outcome == "unsent":
        return None if status == "unsent" else f"was sent: {status} {answer}"
    if outcome == "refused":
        named = status in (400, 404) and (name in answer or camel(name) in answer or str(value) in answer)
        return None if named else f"should be refused by its name: {status} {answer}"
    if status != 200:
        return f"should be taken: {status} {answer}"
    other_status, other = send(kind, {k: v for k, v in base.items() if k != name or k in KINDS[kind][1]})
    if other_status != 200:
        return f"is the only one that makes it a request: {other_status} {other}"
    same = without_echo(name, answer) == without_echo(name, other)
    if outcome == "honoured" and same:
        return f"changes nothing: {answer}"
    if outcome == "ignored" and not same:
        return f"changes the answer: {answer} instead of {other}"
    return None


def holds(kind):
    def it_holds():
        found = []
        for name, outcome, value, more in TABLE[kind]:
            if said := problem(kind, name, outcome, value, more):
                found.append(f"{name}: {said[:600]}")
        check(not found, *found)
    it_holds.__name__ = kind.replace(" ", "_") + "_is_as_the_table_says"
    return it_holds


for one in KINDS:
    case(holds(one))


@case
def the_document_names_every_field_that_is_taken():
    document = json.loads(urllib.request.urlopen(server.url + "/openapi.json", timeout=PATIENCE).read())
    for kind, lines in TABLE.items():
        path = KINDS[kind][0]
        if kind == "ollama options" or path is None:
            continue
        form = "multipart/form-data" if path in FORMS else "application/json"
        known = set(document["paths"][path]["post"]["requestBody"]["content"][form]["schema"]["properties"])
        taken = {name for name, outcome, _, _ in lines if outcome in ("honoured", "ignored")}
        equal(taken - known, set(), kind)


@case
def no_field_is_unknown():
    for kind, (_, _, known) in KINDS.items():
        said = [name for name, *_ in TABLE[kind]]
        equal(len(said), len(set(said)), kind)
        check(known - set(said) == set(), f"{kind}: fields of the client that fields.txt does not know: {sorted(known - set(said))}")
        check(set(said) - known == set(), f"{kind}: fields that the client does not know any more: {sorted(set(said) - known)}")


try:
    main()
finally:
    server.stop()
    house.stop()
    ranker.stop()
