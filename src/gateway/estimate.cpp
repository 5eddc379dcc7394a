#include "gateway/estimate.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "base/error.h"

namespace shenbi::gateway {
namespace {

constexpr double kBytesPerToken = 4;     // of ASCII text
constexpr double kTokensPerMessage = 4;  // role and marks around it

// A run of so many letters of base64 is a picture or a sound and no word of any language; one picture is at most some
// two thousand tokens (Anthropic 1,600, OpenAI 1,105 of most sizes).
constexpr size_t kLongestWord = 1024;
constexpr double kTokensPerPicture = 2000;

bool is_base64(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '/' || c == '='; }

// Of a body whose fields we do not know.
double estimated_body(std::string_view body) {
  double tokens = 0;
  while (!body.empty()) {
    const auto end = std::find_if_not(body.begin(), body.end(), is_base64);
    const auto word = static_cast<size_t>(end - body.begin());
    const auto after = static_cast<size_t>(std::find_if(end, body.end(), is_base64) - body.begin());
    const double letters = estimated_tokens(body.substr(0, word));
    tokens += word > kLongestWord ? std::min(letters, kTokensPerPicture) : letters;
    tokens += estimated_tokens(body.substr(word, after - word));
    body.remove_prefix(after);
  }
  return tokens;
}

double of_all(const std::vector<std::string>& texts) {
  double tokens = 0;
  for (const std::string& text : texts) tokens += estimated_tokens(text);
  return tokens;
}

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

uint64_t estimated_prompt(const EmbedRequest& request) { return rounded(of_all(request.inputs)); }

uint64_t estimated_prompt(const RerankRequest& request) {
  const auto pairs = static_cast<double>(request.documents.size());
  return rounded(of_all(request.documents) + estimated_tokens(request.query) * pairs);
}

uint64_t estimated_prompt(const Passage& passage) {
  try {
    return estimated_prompt(passage.translated());
  } catch (const Error&) {  // it says something that we have no word for
    return rounded(estimated_body(*passage.body));
  }
}

}  // namespace shenbi::gateway
