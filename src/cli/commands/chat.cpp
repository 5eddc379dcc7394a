// shenbi chat MODEL: a conversation in the terminal.

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/folders.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/generation.h"
#include "cli/line_editor.h"
#include "cli/session.h"
#include "engine/prompt.h"

namespace shenbi::cli::commands {
namespace {

using nlohmann::ordered_json;

struct Options {
  ModelOptions model;
  SamplingOptions sampling;
  SpeculationOption speculation;
  std::string system;
  uint32_t tokens = 0;
};

constexpr const char* kHelp = R"(  /help              this list
  /system TEXT       set the system message (empty: none) and start over
  /clear             start over
  /retry             answer the last message again
  /undo              forget the last message and its answer
  /set NAME VALUE    temperature, top-p, top-k, min-p, repeat-penalty, seed, tokens
  /save FILE         write the conversation as JSON
  /stats             speed of the last answer
  /quit              leave (so does Ctrl-D)
  """                begin and end a message of several lines
Ctrl-C stops an answer, not the program.
)";

int64_t whole_number(const std::string& name, double number, double low, double high) {
  if (!(number >= low && number <= high) || std::floor(number) != number) {
    throw Error(Code::kInvalidArgument,
                fmt::format("{} is {}, allowed: whole numbers from {:.0f} to {:.0f}", name, number, low, high));
  }
  return static_cast<int64_t>(number);
}

class Conversation {
 public:
  Conversation(const Options& options, const Session& session)
      : options_(options),
        model_(*session.model),
        engine_(session.model, *session.team, {.max_sequences = 1, .speculation = options.speculation.use()}) {
    set_system(options.system);
  }

  void set_system(const std::string& text) {
    messages_ = ordered_json::array();
    if (!text.empty()) messages_.push_back({{"role", "system"}, {"content", text}});
    system_ = text;
  }
  void clear() { set_system(system_); }

  void say(const std::string& text) {
    messages_.push_back({{"role", "user"}, {"content", text}});
    answer();
  }

  bool undo() {
    if (messages_.empty() || messages_.back()["role"] == "system") return false;
    if (messages_.back()["role"] == "assistant") messages_.erase(messages_.size() - 1);
    messages_.erase(messages_.size() - 1);
    return true;
  }

  void retry() {
    if (messages_.empty() || messages_.back()["role"] != "assistant") {
      throw Error(Code::kInvalidArgument, "there is no answer yet");
    }
    messages_.erase(messages_.size() - 1);
    answer();
  }

  void save(const std::string& file) const {
    std::ofstream out(file);
    out << messages_.dump(2) << '\n';
    if (!out.flush()) throw Error(Code::kNotFound, file + ": cannot be written");
  }

  void set(const std::string& name, const std::string& value) {
    size_t used = 0;
    double number = 0;
    try {
      number = std::stod(value, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (value.empty() || used != value.size())
      throw Error(Code::kInvalidArgument, fmt::format("'{}' is not a number", value));
    SamplingOptions changed = options_.sampling;
    if (name == "temperature" || name == "temp")
      changed.temperature = number;
    else if (name == "top-p")
      changed.top_p = number;
    else if (name == "top-k")
      changed.top_k = whole_number(name, number, 0, kMaxTopK);
    else if (name == "min-p")
      changed.min_p = number;
    else if (name == "repeat-penalty")
      changed.repetition_penalty = number;
    else if (name == "seed")
      changed.seed = whole_number(name, number, -1, kMaxSeed);
    else if (name == "tokens")
      options_.tokens = static_cast<uint32_t>(whole_number(name, number, 0, UINT32_MAX));
    else
      throw Error(Code::kInvalidArgument, fmt::format("nothing is called '{}' (see /help)", name));
    sampling_params(changed, model_.defaults).check(model_.decoder->spec().vocab_size);
    options_.sampling = changed;
  }

  std::string stats() const {
    return last_.ids.empty() ? "no answer yet"
                             : fmt::format("{}; {} tokens in all so far, {} of them reused", describe(last_),
                                           engine_.stats().prompt_tokens + engine_.stats().generated_tokens,
                                           engine_.stats().cached_tokens);
  }

 private:
  void answer() {
    engine::Prompt prompt = engine::chat_prompt(model_, {{"messages", messages_}});
    engine::Request request;
    request.prompt = std::move(prompt.ids);
    request.stop = std::move(prompt.stops);
    request.max_tokens = options_.tokens;
    request.sampling = sampling_params(options_.sampling, model_.defaults);
    last_ = stream_answer(engine_, std::move(request));
    std::cout << (last_.finish == engine::FinishReason::kCancelled ? " [stopped]\n" : "\n") << std::flush;
    if (last_.finish == engine::FinishReason::kLength)
      std::fprintf(stderr, "(the answer reached the limit of tokens)\n");
    const size_t start =
        last_.text.find_first_not_of(' ');  // the plain form's answers begin with the space after the colon
    messages_.push_back(
        {{"role", "assistant"}, {"content", start == std::string::npos ? "" : last_.text.substr(start)}});
  }

  Options options_;
  const engine::Model& model_;
  engine::Engine engine_;
  ordered_json messages_;
  std::string system_;
  Answer last_;
};

// Returns false to leave.
bool obey(Conversation& conversation, const std::string& line) {
  const size_t space = line.find(' ');
  const std::string verb = line.substr(0, space);
  const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
  if (verb == "/quit" || verb == "/exit" || verb == "/bye") return false;
  if (verb == "/help" || verb == "/?")
    std::cout << kHelp;
  else if (verb == "/clear")
    conversation.clear();
  else if (verb == "/system")
    conversation.set_system(rest);
  else if (verb == "/retry")
    conversation.retry();
  else if (verb == "/undo")
    std::cout << (conversation.undo() ? "forgotten\n" : "nothing to forget\n");
  else if (verb == "/save")
    conversation.save(rest);
  else if (verb == "/stats")
    std::cout << conversation.stats() << '\n';
  else if (verb == "/set") {
    const size_t at = rest.find(' ');
    conversation.set(rest.substr(0, at), at == std::string::npos ? "" : rest.substr(at + 1));
  } else {
    std::cout << "unknown command " << verb << " (see /help)\n";
  }
  return true;
}

// A message: one line, or everything between two lines of three quotes.
std::optional<std::string> read_message(LineEditor& editor) {
  auto line = editor.read(">>> ");
  if (!line || !line->starts_with("\"\"\"")) return line;
  std::string text = line->substr(3);
  while (!text.ends_with("\"\"\"")) {
    line = editor.read("... ");
    if (!line) return std::nullopt;
    text += (text.empty() ? "" : "\n") + *line;
  }
  return text.substr(0, text.size() - 3);
}

int execute(const Options& options) {
  const Session session = open_session(options.model);
  session.announce();
  if (!options.model.quiet) {
    std::fprintf(stderr,
                 session.model->chat_template
                     ? "Type a message; /help lists the commands.\n"
                     : "This is a base model: it continues a plain User/Assistant dialogue and was not trained to "
                       "follow instructions.\nType a message; /help lists the commands.\n");
  }
  LineEditor editor(data_folder() / "history");
  Conversation conversation(options, session);
  while (const auto message = read_message(editor)) {
    if (message->empty()) continue;
    try {
      if (message->front() == '/') {
        if (!obey(conversation, *message)) break;
      } else {
        conversation.say(*message);
      }
    } catch (const Error& error) {  // a wrong command or a full context ends nothing
      std::fprintf(stderr, "%s\n", error.what());
    }
  }
  return 0;
}

}  // namespace

Command chat() {
  auto options = std::make_shared<Options>();
  return {.name = "chat",
          .summary = "Talk with a model in the terminal",
          .group = "Use a model",
          .declare =
              [options](Arguments& args) {
                declare_model_options(args, options->model);
                args.option("--system", options->system, "system message");
                args.option("-n,--tokens", options->tokens, "longest answer; 0: until the context is full");
                declare_sampling_options(args, options->sampling);
                options->speculation.declare(args);
                args.example("  shenbi chat gemma3:270m --temp 0.7");
              },
          .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
