#pragma once
// How many tokens a text has, where nobody tells: for calls that were cut before their usage came.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "chat/types.h"
#include "gateway/passage.h"
#include "gateway/provider.h"

namespace shenbi::gateway {

/// Four letters of English are a token, about; one character of Chinese is one at most. Tokenizers of today's houses
/// stay within a third of this on prose.
double estimated_tokens(std::string_view utf8);

/// Of the text of a whole prompt, its tools included; pictures and sounds are left out. At least 1.
uint64_t estimated_prompt(const chat::ChatRequest& request);
uint64_t estimated_prompt(const chat::CompletionRequest& request);
uint64_t estimated_prompt(const EmbedRequest& request);
/// The query counts once for each document, as houses count it.
uint64_t estimated_prompt(const RerankRequest& request);
/// By our words for it; where we have none for all that it says, of the body as it is: more rather than less.
uint64_t estimated_prompt(const Passage& passage);

}  // namespace shenbi::gateway
