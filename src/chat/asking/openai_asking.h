#pragma once
// The two readers of OpenAI's dialect, apart from its request writer.

#include <memory>

#include "chat/asking.h"

namespace shenbi::chat {

std::unique_ptr<AnswerReader> openai_reader(const AskingTraits& traits);
std::unique_ptr<AnswerReader> openai_completion_reader(const AskingTraits& traits);

}  // namespace shenbi::chat
