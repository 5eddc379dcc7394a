"""Where real vocabularies, chat templates and grammars come from: the source package of llama-cpp-python on PyPI, whose vendored
llama.cpp carries them; the JSON Schema Test Suite: the source package of jsonschema; OpenAI's and Anthropic's tests of their
clients: their source packages. Downloaded once into build/reference;
nothing of it is part of this repository. Run as a program it only downloads."""
import pathlib
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
VERSIONS = {"llama_cpp_python": "0.3.36", "jsonschema": "4.26.0", "openai": "3.54.0", "anthropic": "2.12.0"}


def part_of(name, inside):
    """A folder of the source package `name`, unpacked."""
    package_folder = f"{name}-{VERSIONS[name]}"
    target = ROOT / "build" / "reference" / package_folder
    if not (target / inside).is_dir():
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
                            "--no-binary", name, "-d", scratch, f"{name.replace('_', '-')}=={VERSIONS[name]}"], check=True)
            with tarfile.open(next(pathlib.Path(scratch).glob("*.tar.gz"))) as package:
                # Debian 12's tarfile has no extraction filters yet: plain files below the folder, and nothing else.
                wanted = f"{package_folder}/{inside}/"
                package.extractall(scratch, [member for member in package.getmembers() if member.isfile()
                                             and member.name.startswith(wanted) and ".." not in member.name.split("/")])
            (target / inside).parent.mkdir(parents=True, exist_ok=True)
            (pathlib.Path(scratch) / package_folder / inside).rename(target / inside)
    return target / inside


def models_folder():
    """The folder with ggml-vocab-*.gguf, their .inp and .out, and templates/*.jinja."""
    return part_of("llama_cpp_python", "vendor/llama.cpp/models")


def grammars_folder():
    """The folder with llama.cpp's example grammars, *.gbnf."""
    return part_of("llama_cpp_python", "vendor/llama.cpp/grammars")


def schema_suite_folder():
    """The JSON Schema Test Suite for draft 2020-12."""
    return part_of("jsonschema", "json/tests/draft2020-12")


def built(program):
    """A program of the release build."""
    return str(ROOT / "build" / "release" / program)


if __name__ == "__main__":
    print(models_folder(), grammars_folder(), schema_suite_folder(), sep="\n")
