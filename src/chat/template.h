#pragma once
// Chat templates: the Jinja programs that checkpoints ship, as untrusted input.
//
//   ChatTemplate chat = ChatTemplate::parse(text, "model.gguf:tokenizer.chat_template");
//   std::string prompt = chat.render(variables);   // {"messages": [...], "tools": [...], "add_generation_prompt": true, ...}
//
// Renders what transformers' apply_chat_template renders (jinja2 sandbox, trim_blocks, lstrip_blocks, extensions: loop controls,
// generation blocks; globals raise_exception, strftime_now, namespace, range, dict, lipsum absent; tojson without HTML escaping).
// An unsupported construct is Error{kUnsupported} naming source, line and construct. Steps, memory, depth and output are bounded
// (base/limits.h): exceeding one is Error{kInvalidArgument} "template: step limit ...". raise_exception(m) in the
// template becomes Error{kInvalidArgument} with m.

#include <chrono>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace shenbi::chat {

struct RenderOptions {
  /// The clock behind strftime_now, so that tests can fix it.
  std::chrono::system_clock::time_point now = std::chrono::system_clock::now();
};

class ChatTemplate {
 public:
  /// Throws Error{kInvalidArgument} with source:line on a syntax error, Error{kUnsupported} on a construct we do not have.
  static ChatTemplate parse(std::string_view text, std::string_view source);

  /// `variables` is a JSON object (order of keys is kept: pass nlohmann::ordered_json). Thread-safe.
  std::string render(const nlohmann::ordered_json& variables, const RenderOptions& options = {}) const;

  const std::string& text() const noexcept;

  struct Program;

 private:
  std::shared_ptr<const Program> program_;
};

}  // namespace shenbi::chat
