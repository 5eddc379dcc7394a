// shenbi template --template T.jinja --input conversation.json: what a chat template makes of a conversation.

#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/json.h"
#include "chat/template.h"
#include "cli/command.h"
#include "cli/input.h"
#include "engine/model.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  std::string template_file, model, input;
};

chat::ChatTemplate load(const Options& options) {
  if (options.template_file.empty() == options.model.empty()) {
    throw Error(Code::kInvalidArgument, "give either --template or --model");
  }
  if (!options.template_file.empty())
    return chat::ChatTemplate::parse(read_file(options.template_file), options.template_file);
  const auto checkpoint = formats::Checkpoint::open(engine::resolve_model(options.model));
  auto chat_template = engine::load_chat_template(*checkpoint);
  if (!chat_template) throw Error(Code::kNotFound, options.model + " has no chat template: it is a base model");
  return *chat_template;
}

int execute(const Options& options) {
  const chat::ChatTemplate chat_template = load(options);
  const std::string text = read_file(options.input);
  parse_json(text, options.input);                             // bounds on depth, and an error that names the byte
  const auto variables = nlohmann::ordered_json::parse(text);  // the order of keys is part of what a template prints
  if (!variables.is_object()) throw Error(Code::kInvalidArgument, options.input + ": expected a JSON object");
  std::cout << chat_template.render(variables);
  return 0;
}

}  // namespace

Command render_template() {
  auto options = std::make_shared<Options>();
  return {.name = "template",
          .summary = "Show what a chat template makes of a conversation",
          .group = "Look inside",
          .declare =
              [options](Arguments& args) {
                args.option("--template", options->template_file, "a Jinja file");
                args.option("--model", options->model, "take the template of this model");
                args.option("--input", options->input, "JSON object: messages, tools, add_generation_prompt, ...")
                    .required();
                args.example("  shenbi template --model qwen3:0.6b --input conversation.json");
              },
          .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
