// shenbi score MODEL --file F: the log-probability of every token of a text, one JSON line a token.

#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "base/json.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/session.h"
#include "eval/rows.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  ModelOptions model;
  std::string file, text;
  uint32_t top = 0;
  bool json = false;
};

Json top_json(const engine::Sampler::TopLogprobs& top) {
  Json out = Json::array();
  for (const auto& [id, logprob] : top) out.push_back({id, logprob});
  return out;
}

// `piece` must be JSON text: a token that is half a character is shown as its vocabulary entry.
std::string piece_text(const tokenizers::Tokenizer& tokenizer, int32_t id) {
  const std::string bytes = tokenizer.token_bytes(id);
  return is_valid_utf8(bytes) && !bytes.empty() ? bytes : tokenizer.token_text(id);
}

int execute(const Options& options) {
  const std::string text = read_text(options.file, options.text);
  const Session session = open_session(options.model);
  const auto ids = session.model->tokenizer->encode(text);
  double sum = 0;
  const auto print = [&](size_t i, const Json& logprob, const Json& top) {
    const std::string piece = piece_text(*session.model->tokenizer, ids[i]);
    if (options.json) {
      std::cout << Json{{"id", ids[i]}, {"piece", piece}, {"logprob", logprob}, {"top", top}}.dump() << '\n';
    } else {
      std::cout << fmt::format("{:>8}  {:>9}  {}\n", ids[i],
                               logprob.is_null() ? "-" : fmt::format("{:.4f}", logprob.get<double>()),
                               Json(piece).dump());
    }
  };
  eval::for_each_row(*session.model, ids, *session.team, [&](size_t i, std::span<float> logits) {
    if (i == 0) {
      session.announce();
      print(0, nullptr, nullptr);
    }
    if (i + 1 >= ids.size()) return;
    const double logprob = logits[static_cast<size_t>(ids[i + 1])] - engine::log_sum_exp(logits);
    sum += logprob;
    print(i + 1, logprob, top_json(engine::top_logprobs(logits, options.top)));
  });
  if (!options.json) std::cout << fmt::format("{} tokens, sum of log-probabilities {:.4f}\n", ids.size(), sum);
  return 0;
}

}  // namespace

Command score() {
  auto options = std::make_shared<Options>();
  return {.name = "score",
          .summary = "Show how probable a model finds each token of a text",
          .group = "Measure",
          .declare =
              [options](Arguments& args) {
                declare_model_options(args, options->model);
                args.positional("TEXT", options->text, "the text (or use --file)");
                args.option("-f,--file", options->file, "read the text from this file, - for standard input");
                args.option("--top", options->top, "also give the K best tokens at each place").range(0, 10000);
                args.flag("--json", options->json, "one JSON object a token");
                args.example("  shenbi score gemma3:270m \"The cat sat on the mat\"");
              },
          .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
