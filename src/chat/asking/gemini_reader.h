#pragma once

#include <memory>

#include "chat/asking.h"

namespace shenbi::chat {

std::unique_ptr<AnswerReader> gemini_reader(const GeminiTraits& traits);

}  // namespace shenbi::chat
