#pragma once

#include <memory>

#include "chat/asking.h"

namespace shenbi::chat {

std::unique_ptr<AnswerReader> anthropic_reader(const AnthropicTraits& traits);

}  // namespace shenbi::chat
