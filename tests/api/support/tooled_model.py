"""The default model with a chat template that knows tools, or one that opens thinking. The model itself is a base model, which has no
form for either; with a template of the Hermes family its calls can be demanded, and what a grammar demands does not ask for
cleverness; with one of Qwen3's kind it thinks because its answer begins inside thinking."""
import os
import pathlib
import struct
import tempfile

from .server import MODEL, data_folder

TEMPLATE = """{%- if tools %}<tools>
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
</tools>
Calls are written as <tool_call>
{"name": ..., "arguments": ...}
</tool_call>
{% endif -%}
{%- for message in messages %}{{ message.role }}: {{ message.content }}
{%- for call in message.tool_calls or [] %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{%- endfor %}
{% endfor -%}
{%- if add_generation_prompt %}assistant:{% endif %}"""
THINKING_TEMPLATE = """{%- for message in messages %}{{ message.role }}: {{ message.content }}
{% endfor -%}
{%- if add_generation_prompt %}assistant: {% if enable_thinking is defined and enable_thinking is false %}<think>

</think>

{% else %}<think>
{% endif %}{% endif %}"""
ALIGNMENT = 32
STRING = 8


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key, text):
    """A metadata entry whose length is a multiple of the alignment (a Jinja comment fills it), so that nothing behind it has to move
    but by whole alignments."""
    def made(filler):
        return string(key) + struct.pack("<I", STRING) + string(text + "{#" + "-" * filler + "#}")
    return made(-len(made(0)) % ALIGNMENT)


def tooled_model():
    """The path of the file; made once a build folder."""
    return templated_model("tooled", TEMPLATE)


def thinking_model():
    return templated_model("thinking", THINKING_TEMPLATE)


def templated_model(name, template):
    source = next((data_folder() / "models" / MODEL.replace(":", "/")).glob("*.gguf"))
    target = pathlib.Path(__file__).resolve().parents[3] / "build" / "api" / f"{name}-{source.stat().st_size}.gguf"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    data = source.read_bytes()
    magic, version, tensors, entries = struct.unpack_from("<4sIQQ", data)
    assert (magic, version) == (b"GGUF", 3), (magic, version)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as made:
        made.write(struct.pack("<4sIQQ", magic, version, tensors, entries + 1))
        made.write(entry("tokenizer.chat_template", template))
        made.write(memoryview(data)[24:])
    os.replace(made.name, target)
    return target
