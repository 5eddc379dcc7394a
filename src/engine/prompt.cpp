#include "engine/prompt.h"

#include "base/json.h"
#include "chat/plain_dialogue.h"

namespace shenbi::engine {

Prompt chat_prompt(const Model& model, nlohmann::ordered_json variables) {
  const auto& tokenizer = *model.tokenizer;
  if (!model.chat_template) {
    Prompt prompt{
        .text = chat::plain_dialogue(variables.at("messages")), .ids = {}, .stops = chat::plain_dialogue_stops()};
    prompt.ids = tokenizer.encode(prompt.text);
    return prompt;
  }
  const auto token = [&](std::optional<int32_t> id) { return id ? tokenizer.token_text(*id) : std::string(); };
  const std::string bos = token(tokenizer.bos());
  variables.emplace("add_generation_prompt", true);
  variables.emplace("bos_token", bos);
  variables.emplace("eos_token", token(tokenizer.eos()));
  Prompt prompt{.text = model.chat_template->render(variables), .ids = {}, .stops = {}};
  // Most templates write the bos themselves; the tokenizer adds it only where they do not.
  const bool has_bos = !bos.empty() && prompt.text.starts_with(bos);
  prompt.ids = tokenizer.encode(prompt.text, {.add_special = !has_bos, .parse_special = true});
  return prompt;
}

}  // namespace shenbi::engine
