#pragma once
// From a conversation to the tokens a model reads: its own chat template, or the plain dialogue form for a base model.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/model.h"

namespace shenbi::engine {

struct Prompt {
  std::string text;  ///< as rendered
  std::vector<int32_t> ids;
  std::vector<std::string> stops;  ///< strings that end the answer besides the model's end tokens
};

/// `variables` as chat templates expect them ({"messages": [...], "tools": [...], ...}); bos_token, eos_token and
/// add_generation_prompt are filled in where absent. Throws Error{kInvalidArgument} with what the template raised.
Prompt chat_prompt(const Model& model, nlohmann::ordered_json variables);

/// The same for a conversation whose last message is the assistant's and is to be gone on with: the prompt ends inside
/// it. Throws Error{kUnsupported} if the template changes that message so that its end cannot be found.
Prompt continued_prompt(const Model& model, nlohmann::ordered_json variables);

}  // namespace shenbi::engine
