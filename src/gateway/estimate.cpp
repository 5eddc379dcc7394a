#include "gateway/estimate.h"

#include <algorithm>
#include <cmath>

namespace shenbi::gateway {
namespace {

constexpr double kBytesPerToken = 4;     // of ASCII text
constexpr double kTokensPerMessage = 4;  // role and marks around it

uint64_t rounded(double tokens) { return std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(tokens))); }

}  // namespace

double estimated_tokens(std::string_view utf8) {
  uint64_t ascii = 0, other = 0;  // bytes; characters
  for (const unsigned char c : utf8) {
    if (c < 0x80) {
      ++ascii;
    } else if (c >= 0xc0) {
      ++other;
    }
  }
  return static_cast<double>(ascii) / kBytesPerToken + static_cast<double>(other);
}

uint64_t estimated_prompt(const chat::ChatRequest& request) {
  double tokens = 0;
  for (const chat::Message& message : request.messages) {
    tokens += kTokensPerMessage;
    for (const chat::Part& part : message.parts) tokens += estimated_tokens(part.text);
    for (const chat::ToolCall& call : message.tool_calls)
      tokens += estimated_tokens(call.name) + estimated_tokens(call.arguments);
  }
  for (const chat::Tool& tool : request.tools)
    tokens +=
        estimated_tokens(tool.name) + estimated_tokens(tool.description) + estimated_tokens(tool.parameters.dump());
  return rounded(tokens);
}

uint64_t estimated_prompt(const chat::CompletionRequest& request) {
  if (!request.prompt_ids.empty()) return request.prompt_ids.size();
  return rounded(estimated_tokens(request.prompt));
}

uint64_t estimated_prompt(const std::vector<std::string>& texts) {
  double tokens = 0;
  for (const std::string& text : texts) tokens += estimated_tokens(text);
  return rounded(tokens);
}

}  // namespace shenbi::gateway
