#include "engine/prompt.h"

#include "base/error.h"
#include "base/json.h"
#include "chat/plain_dialogue.h"

namespace shenbi::engine {
namespace {

using OrderedJson = nlohmann::ordered_json;

// Whoever speaks in a conversation may spell control tokens, but only the template may use them. Each spelling inside
// the variables gets a mark in front (a noncharacter of Unicode, which no text has), the marks travel through the
// template, and where they come out the tokenizer reads text.
class ControlTokenGuard {
 public:
  ControlTokenGuard(const tokenizers::Tokenizer& tokenizer, OrderedJson& variables) : tokenizer_(tokenizer) {
    for (const char* key : {"messages", "tools", "documents"}) {
      if (const auto found = variables.find(key); found != variables.end()) mark(*found);
    }
  }

  /// Takes the marks out of the rendered text; the offsets where they were.
  std::vector<size_t> take_out(std::string& text) const {
    std::vector<size_t> literal;
    if (!marked_) return literal;
    std::string clean;
    clean.reserve(text.size());
    for (size_t from = 0;;) {
      const size_t at = text.find(kMark, from);
      clean.append(text, from, at - from);
      if (at == std::string::npos) break;
      literal.push_back(clean.size());
      from = at + kMark.size();
    }
    text = std::move(clean);
    return literal;
  }

 private:
  static constexpr std::string_view kMark = "\xEF\xB7\x90";  // U+FDD0

  void mark(OrderedJson& value) {
    if (value.is_structured()) {
      for (auto& item : value) mark(item);
    } else if (value.is_string()) {
      auto& text = value.get_ref<std::string&>();
      if (text.find(kMark) != std::string::npos) {
        throw Error(Code::kInvalidArgument, "messages: U+FDD0 is no character and cannot be part of a text");
      }
      const auto places = tokenizer_.find_special(text);
      for (auto place = places.rbegin(); place != places.rend(); ++place) text.insert(*place, kMark);
      marked_ |= !places.empty();
    }
  }

  const tokenizers::Tokenizer& tokenizer_;
  bool marked_ = false;
};

}  // namespace

namespace {

// Renders with a generation prompt, or cuts the text behind `keep` (what the last message ends with).
Prompt render(const Model& model, OrderedJson variables, const std::string* keep) {
  const auto& tokenizer = *model.tokenizer;
  const auto token = [&](std::optional<int32_t> id) { return id ? tokenizer.token_text(*id) : std::string(); };
  const std::string bos = token(tokenizer.bos());
  variables.emplace("add_generation_prompt", keep == nullptr);
  variables.emplace("bos_token", bos);
  variables.emplace("eos_token", token(tokenizer.eos()));
  const ControlTokenGuard guard(tokenizer, variables);
  Prompt prompt{.text = model.chat_template->render(variables), .ids = {}, .stops = {}};
  auto literal = guard.take_out(prompt.text);
  if (keep) {
    const size_t at = prompt.text.rfind(*keep);
    if (at == std::string::npos) {
      throw Error(Code::kUnsupported,
                  "continue: the chat template rewrites the last message, so it cannot be gone on with");
    }
    prompt.text.resize(at + keep->size());
    std::erase_if(literal, [&](size_t place) { return place >= prompt.text.size(); });
  }
  // Most templates write the bos themselves; the tokenizer adds it only where they do not.
  const bool has_bos = !bos.empty() && prompt.text.starts_with(bos);
  prompt.ids = tokenizer.encode(prompt.text, {.add_special = !has_bos, .parse_special = true, .literal = literal});
  return prompt;
}

Prompt plain_prompt(const Model& model, const OrderedJson& messages) {
  Prompt prompt{.text = chat::plain_dialogue(messages), .ids = {}, .stops = chat::plain_dialogue_stops()};
  prompt.ids = model.tokenizer->encode(prompt.text);
  return prompt;
}

}  // namespace

Prompt chat_prompt(const Model& model, OrderedJson variables) {
  return model.chat_template ? render(model, std::move(variables), nullptr)
                             : plain_prompt(model, variables.at("messages"));
}

Prompt continued_prompt(const Model& model, OrderedJson variables) {
  OrderedJson& messages = variables.at("messages");
  SHENBI_CHECK(!messages.empty());
  const std::string last = messages.back().value("content", "");
  if (model.chat_template) return render(model, std::move(variables), &last);
  messages.erase(messages.size() - 1);
  Prompt prompt = plain_prompt(model, messages);
  prompt.text += " " + last;  // behind "Assistant:"
  prompt.ids = model.tokenizer->encode(prompt.text);
  return prompt;
}

}  // namespace shenbi::engine
