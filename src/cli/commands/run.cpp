// shenbi run MODEL PROMPT: complete a text.

#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/generation.h"
#include "cli/input.h"
#include "cli/session.h"
#include "engine/prompt.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  ModelOptions model;
  SamplingOptions sampling;
  SpeculationOption speculation;
  std::vector<std::string> words;
  std::vector<std::string> stop;
  std::string file, system;
  uint32_t tokens = 256;
  bool raw = false;
};

// An instruct model answers the prompt as one user turn; a base model continues the text.
engine::Prompt make_prompt(const engine::Model& model, const Options& options, const std::string& text) {
  if (options.raw || !model.chat_template) {
    if (!options.system.empty()) {
      throw Error(Code::kInvalidArgument, "--system needs a model with a chat template, this one is a base model");
    }
    return {.text = text, .ids = model.tokenizer->encode(text), .stops = {}};
  }
  auto messages = nlohmann::ordered_json::array();
  if (!options.system.empty()) messages.push_back({{"role", "system"}, {"content", options.system}});
  messages.push_back({{"role", "user"}, {"content", text}});
  return engine::chat_prompt(model, {{"messages", messages}});
}

int execute(const Options& options) {
  std::string words;
  for (const std::string& word : options.words) words += (words.empty() ? "" : " ") + word;
  const std::string text = read_text(options.file, words);
  const Session session = open_session(options.model);
  engine::Engine engine(session.model, *session.team, {.max_sequences = 1, .speculation = options.speculation.use()});
  engine::Request request;
  engine::Prompt prompt = make_prompt(*session.model, options, text);
  request.prompt = std::move(prompt.ids);
  request.max_tokens = options.tokens;
  request.sampling = sampling_params(options.sampling, session.model->defaults);
  request.stop = options.stop;
  request.stop.insert(request.stop.end(), prompt.stops.begin(), prompt.stops.end());
  const Answer answer = stream_answer(engine, std::move(request));
  if (std::cout) std::cout << '\n' << std::flush;
  if (!options.model.quiet) std::fprintf(stderr, "%s, %s\n", describe(answer).c_str(), session.threads_note.c_str());
  // An answer is also cancelled when nobody reads it any more; main tells that from the stream.
  return answer.finish == engine::FinishReason::kCancelled && std::cout ? code_info(Code::kCancelled).exit_code : 0;
}

}  // namespace

Command run() {
  auto options = std::make_shared<Options>();
  return {.name = "run",
          .summary = "Answer a prompt, or complete a text, and exit",
          .group = "Use a model",
          .declare =
              [options](Arguments& args) {
                declare_model_options(args, options->model);
                args.positional("PROMPT", options->words, "what to answer or to continue").rest();
                args.option("-f,--file", options->file, "read the prompt from this file, - for standard input");
                args.option("-n,--tokens", options->tokens, "stop after this many tokens; 0: when the context is full");
                args.option("--system", options->system, "system message, for instruct models");
                args.option("--stop", options->stop, "end the answer before this text; may be repeated");
                args.flag("--raw", options->raw, "give the text to the model as it is, without its chat template");
                declare_sampling_options(args, options->sampling);
                options->speculation.declare(args);
                args.example(
                    "  shenbi run gemma3:270m \"The capital of France is\" -n 20 --temp 0\n"
                    "  git diff | shenbi run qwen3:0.6b -f - --system \"Write a commit message\"");
              },
          .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
