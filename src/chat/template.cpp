#include "chat/template.h"

#include <nlohmann/json.hpp>

#include "chat/jinja/interpreter.h"
#include "chat/jinja/parser.h"

namespace shenbi::chat {

struct ChatTemplate::Program {
  std::string text;
  jinja::Syntax syntax;
};

ChatTemplate ChatTemplate::parse(std::string_view text, std::string_view source) {
  ChatTemplate result;
  result.program_ = std::make_shared<const Program>(Program{std::string(text), jinja::parse(text, source)});
  return result;
}

std::string ChatTemplate::render(const nlohmann::ordered_json& variables, const RenderOptions& options) const {
  return jinja::Interpreter(program_->syntax, options.now).run(variables);
}

const std::string& ChatTemplate::text() const noexcept { return program_->text; }

}  // namespace shenbi::chat
