#!/usr/bin/env python3
"""lm-evaluation-harness over local-completions: the log-likelihoods it sees are the engine's own (shenbi score)."""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from api.support.server import MODEL, SHENBI, Server, data_folder  # noqa: E402
from e2e.support.cases import case, check, equal, main  # noqa: E402

PAIRS = [("The capital of France is", " Paris"), ("The capital of France is", " a small village"), ("一加一等于", "二"),
         ("Water boils at one hundred", " degrees")]
server = Server()


def scored(text):
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        out = subprocess.run([SHENBI, "score", MODEL, "--file", file.name, "--json", "-q"], capture_output=True, text=True, check=True,
                             env={"SHENBI_HOME": str(data_folder()), "PATH": "/usr/bin:/bin"}).stdout
    return [json.loads(line) for line in out.splitlines()]


@case
def log_likelihoods_are_the_engines_own():
    from lm_eval.models.openai_completions import LocalCompletionsAPI
    model = LocalCompletionsAPI(base_url=server.url + "/v1/completions", model=MODEL, tokenizer_backend="remote", max_length=2048,
                                num_concurrent=1, batch_size=1)
    # The harness sends texts without <bos>, which this model's own scores have in front; its prefix token puts it there.
    pairs = [model._encode_pair(*pair) for pair in PAIRS]
    requests = [(pair, [model.prefix_token_id, *context], continuation) for pair, (context, continuation) in zip(PAIRS, pairs)]
    for (context, continuation), (value, _) in zip(PAIRS, model._loglikelihood_tokens(requests)):
        whole, alone = scored(context + continuation), scored(context)
        expected = sum(token["logprob"] for token in whole[len(alone):])
        check(abs(value - expected) < 1e-3, context, continuation, value, expected)


@case
def a_local_task_runs_to_its_score():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        rows = [{"question": "The capital of France is", "choices": [" Paris", " xylophone"], "answer": 0},
                {"question": "Two plus two is", "choices": [" zebra", " four"], "answer": 1}]
        (folder / "rows.json").write_text("\n".join(json.dumps(row) for row in rows))
        (folder / "task.yaml").write_text(f"""task: tiny
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/rows.json}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_target: answer
doc_to_choice: choices
target_delimiter: ""
metric_list: [{{metric: acc}}]
""")
        done = subprocess.run([sys.executable, "-m", "lm_eval", "--model", "local-completions", "--model_args",
                               f"base_url={server.url}/v1/completions,model={MODEL},tokenizer_backend=remote,num_concurrent=1",
                               "--tasks", "tiny", "--include_path", str(folder), "--output_path", str(folder / "out")],
                              capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder),
                                                                   "OPENAI_API_KEY": "none"})
        check(done.returncode == 0, done.stderr[-3000:])
        result = json.loads(next((folder / "out").rglob("results_*.json")).read_text())
        equal(result["results"]["tiny"]["acc,none"], 1.0)


try:
    main(workers=1)
finally:
    server.stop()
