// shenbi tokenize MODEL --file F --json: text to token ids.

#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "base/json.h"
#include "cli/command.h"
#include "cli/input.h"
#include "engine/model.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  std::string model, file, text;
  bool json = false, no_special = false, parse_special = false;
};

int execute(const Options& options) {
  const auto tokenizer = engine::load_tokenizer(engine::resolve_model(options.model));
  const std::string text = read_text(options.file, options.text);
  const auto ids =
      tokenizer->encode(text, {.add_special = !options.no_special, .parse_special = options.parse_special});
  if (options.json) {
    std::cout << Json(ids).dump() << '\n';
    return 0;
  }
  for (int32_t id : ids) std::cout << fmt::format("{:>8}  {}\n", id, Json(tokenizer->token_text(id)).dump());
  std::cout << fmt::format("{} tokens\n", ids.size());
  return 0;
}

}  // namespace

Command tokenize() {
  auto options = std::make_shared<Options>();
  return {.name = "tokenize",
          .summary = "Show how a model cuts a text into tokens",
          .group = "Look inside",
          .declare =
              [options](Arguments& args) {
                args.positional("MODEL", options->model, kModelHelp).required();
                args.positional("TEXT", options->text, "the text (or use --file)");
                args.option("-f,--file", options->file, "read the text from this file, - for standard input");
                args.flag("--json", options->json, "print a JSON array of ids");
                args.flag("--no-special", options->no_special, "leave out begin and end tokens");
                args.flag("--parse-special", options->parse_special,
                          "let text like <|im_end|> become the control token");
                args.example("  shenbi tokenize gemma3:270m \"Hello 世界\"");
              },
          .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
