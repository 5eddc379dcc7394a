#pragma once
// How a base model, which has no chat template, is talked to: a plain dialogue that it continues.
//
//   You are a helpful assistant.          <- system text, if any
//
//   User: What is the capital of France?
//   Assistant: Paris.
//   User: And of Italy?
//   Assistant:                            <- the model goes on from here; a new "User:" line ends its turn

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace shenbi::chat {

/// `messages` as in the chat APIs: [{"role", "content"}]; content is a string or a list of text parts. Roles other than
/// system, user and assistant are Error{kInvalidArgument}: a base model has no form for them.
std::string plain_dialogue(const nlohmann::ordered_json& messages);

/// What ends the model's turn in that form.
const std::vector<std::string>& plain_dialogue_stops();

}  // namespace shenbi::chat
