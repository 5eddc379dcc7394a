"""Where real vocabularies and chat templates come from: the source package of llama-cpp-python on PyPI, whose vendored llama.cpp
carries both. Downloaded once into build/reference; nothing of it is part of this repository. Run as a program it only downloads."""
import pathlib
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
VERSION = "0.3.36"
FOLDER = ROOT / "build" / "reference" / f"llama_cpp_python-{VERSION}"


def models_folder():
    """The folder with ggml-vocab-*.gguf, their .inp and .out, and templates/*.jinja."""
    models = FOLDER / "vendor" / "llama.cpp" / "models"
    if not models.is_dir():
        FOLDER.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER.parent) as scratch:
            subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
                            "--no-binary", "llama-cpp-python", "-d", scratch, f"llama-cpp-python=={VERSION}"], check=True)
            with tarfile.open(next(pathlib.Path(scratch).glob("*.tar.gz"))) as package:
                # Debian 12's tarfile has no extraction filters yet: plain files below the folder, and nothing else.
                inside = FOLDER.name + "/vendor/llama.cpp/models/"
                package.extractall(scratch, [member for member in package.getmembers() if member.isfile()
                                             and member.name.startswith(inside) and ".." not in member.name.split("/")])
            (pathlib.Path(scratch) / FOLDER.name).rename(FOLDER)
    return models


def built(program):
    """A program of the release build."""
    return str(ROOT / "build" / "release" / program)


if __name__ == "__main__":
    print(models_folder())
