#pragma once

#include <memory>

#include "chat/asking.h"

namespace shenbi::chat {

std::unique_ptr<AnswerReader> responses_reader(const AskingTraits& traits);

}  // namespace shenbi::chat
