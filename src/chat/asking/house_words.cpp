#include "chat/asking/house_words.h"

#include <cctype>
#include <string>

namespace shenbi::chat {
namespace {

constexpr Reason kContext = Reason::kContextLength, kModel = Reason::kModelNotFound, kContent = Reason::kContentFilter,
                 kAccount = Reason::kAccount;

struct Word {
  std::string_view word;  // letters and digits alone, in lower case
  Reason reason;
};

// By the houses' own pages of error codes, as named behind each. Looked up there were Z.ai's numbers, the words of
// Volcengine Ark and DashScope, and Baidu's of v2; the others are what clients of these houses are known to meet.
constexpr Word kWords[] = {
    {"contextlengthexceeded", kContext},                // OpenAI, Groq, Azure: error codes
    {"tokenstoolong", kContext},                        // Baidu Qianfan of v2: cloud.baidu.com/doc/qianfan-api
    {"characterstoolong", kContext},                    // Baidu Qianfan of v2
    {"outofcontexterror", kContext},                    // Volcengine Ark: volcengine.com/docs/82379/1299023
    {"exceedcontextsizeerror", kContext},               // llama.cpp: tools/server/README, "type"
    {"modelnotfound", kModel},                          // OpenAI; DashScope: help.aliyun.com model-studio/error-code
    {"deploymentnotfound", kModel},                     // Azure OpenAI: "code" of a 404
    {"resourcenotfounderror", kModel},                  // Moonshot: platform.moonshot.cn, error types
    {"invalidendpointormodelnotfound", kModel},         // Volcengine Ark: error codes
    {"invalidmodel", kModel},                           // Mistral: "type"
    {"contentfilter", kContent},                        // Azure OpenAI: content filtering; Moonshot: error types
    {"contentpolicyviolation", kContent},               // OpenAI and Azure: images
    {"moderationblocked", kContent},                    // OpenAI: gpt-image
    {"responsibleaipolicyviolation", kContent},         // Azure OpenAI: innererror
    {"datainspectionfailed", kContent},                 // DashScope: both of its dialects
    {"sensitivecontentdetected", kContent},             // Volcengine Ark
    {"inputtextsensitivecontentdetected", kContent},    // Volcengine Ark
    {"outputtextsensitivecontentdetected", kContent},   // Volcengine Ark
    {"inputimagesensitivecontentdetected", kContent},   // Volcengine Ark
    {"outputimagesensitivecontentdetected", kContent},  // Volcengine Ark
    {"inputvideosensitivecontentdetected", kContent},   // Volcengine Ark
    {"outputvideosensitivecontentdetected", kContent},  // Volcengine Ark
    {"inputtextriskdetection", kContent},               // Volcengine Ark
    {"outputtextriskdetection", kContent},              // Volcengine Ark
    {"inputimageriskdetection", kContent},              // Volcengine Ark
    {"outputimageriskdetection", kContent},             // Volcengine Ark
    {"insufficientquota", kAccount},                    // OpenAI: error codes
    {"invalidapikey", kAccount},                        // OpenAI, DashScope
    {"incorrectapikey", kAccount},                      // xAI
    {"billinghardlimitreached", kAccount},              // OpenAI: images
    {"billingnotactive", kAccount},                     // OpenAI
    {"accountdeactivated", kAccount},                   // OpenAI
    {"authenticationerror", kAccount},                  // Anthropic: errors
    {"billingerror", kAccount},                         // Anthropic: errors
    {"permissionerror", kAccount},                      // Anthropic: errors
    {"apikeyinvalid", kAccount},                        // Gemini: reason of ErrorInfo, with status 400
    {"unauthenticated", kAccount},                      // Gemini: google.rpc.Code
    {"permissiondenied", kAccount},                     // Gemini: google.rpc.Code; Moonshot
    {"arrearage", kAccount},                            // DashScope
    {"accessdenied", kAccount},                         // DashScope
    {"modelaccessdenied", kAccount},                    // DashScope: Model.AccessDenied
    {"accountoverdueerror", kAccount},                  // Volcengine Ark
    {"modelnotopen", kAccount},                         // Volcengine Ark: not switched on in the account
    {"exceededcurrentquotaerror", kAccount},            // Moonshot: the balance is spent
    {"invalidauthenticationerror", kAccount},           // Moonshot
    {"authfailure", kAccount},                          // Tencent Cloud: common error codes
};

struct Number {
  std::string_view key, number;
  Reason reason;
};

constexpr Number kNumbers[] = {
    // Zhipu, Z.ai: docs.z.ai/api-reference/api-code
    {"code", "1301", kContent},
    {"code", "1211", kModel},
    {"code", "1261", kContext},
    {"code", "1110", kAccount},
    {"code", "1111", kAccount},
    {"code", "1112", kAccount},
    {"code", "1113", kAccount},
    {"code", "1121", kAccount},
    // MiniMax: base_resp.status_code, platform.minimax.io/docs/api-reference/errorcode
    {"status_code", "1026", kContent},
    {"status_code", "1027", kContent},
    {"status_code", "1004", kAccount},
    {"status_code", "1008", kAccount},
    {"status_code", "2049", kAccount},
    // Baidu Qianfan of v1: cloud.baidu.com/doc/WENXINWORKSHOP
    {"error_code", "336103", kContext},
    {"error_code", "110", kAccount},
    {"error_code", "111", kAccount},
    // iFlytek Spark: header.code of a message
    {"spark", "10013", kContent},
    {"spark", "10014", kContent},
    {"spark", "10019", kContent},
    {"spark", "10907", kContext},
};

struct Phrase {
  int status;                      // of this status alone; 0: any
  std::string_view first, second;  // in lower case, the second somewhere behind the first; "": it needs none
  bool at_start;                   // the first begins the message
  Reason reason;
};

constexpr Phrase kPhrases[] = {
    {0, "maximum context length", "", false, kContext},                        // OpenAI, vLLM, DeepSeek, Mistral
    {0, "prompt is too long", "", false, kContext},                            // Anthropic, Fireworks
    {0, "exceed context limit", "", false, kContext},                          // Anthropic: with max_tokens
    {0, "exceeds the maximum number of tokens allowed", "", false, kContext},  // Gemini
    {0, "range of input length should be", "", false, kContext},               // DashScope
    {0, "exceeded model token limit", "", false, kContext},                    // Moonshot
    {0, "exceeds the available context size", "", false, kContext},            // llama.cpp
    {0, "context window exceeds limit", "", false, kContext},                  // MiniMax
    {0, "prompt tokens too long", "", false, kContext},                        // Baidu
    {0, "blocked by content filtering policy", "", false, kContent},           // Anthropic
    {0, "requires moderation", "flagged", false, kContent},                    // OpenRouter
    {0, "credit balance is too low", "", false, kAccount},                     // Anthropic, with status 400
    {0, "api key not valid", "", false, kAccount},                             // Gemini, with status 400
    {404, "model: ", "", true, kModel},                                        // Anthropic
    {404, "models/", " is not found", true, kModel},                           // Gemini
    {404, "the model ", " does not exist", false, kModel},                     // vLLM, SGLang
    {404, "model ", " not found", true, kModel},                               // Ollama
    {404, "model ", " is not here", true, kModel},                             // another Shenbi
};

std::string lower(std::string_view text, bool letters_alone) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool sign = c == '_' || c == '-' || c == '.' || c == ' ';
    if (!letters_alone || !sign) out += static_cast<char>(std::tolower(byte));
  }
  return out;
}

bool says(const Phrase& phrase, std::string_view message) {
  const size_t at = message.find(phrase.first);
  if (at == message.npos || (phrase.at_start && at > 0)) return false;
  return phrase.second.empty() || message.find(phrase.second, at + phrase.first.size()) != message.npos;
}

}  // namespace

Reason reason_of_house_word(std::string_view word) {
  // Ark names kinds behind a dot ("SensitiveContentDetected.Violence").
  for (const std::string_view part : {word, word.substr(0, word.find('.'))}) {
    const std::string plain = lower(part, true);
    for (const Word& known : kWords) {
      if (known.word == plain) return known.reason;
    }
  }
  return Reason::kUnsaid;
}

Reason reason_of_house_number(std::string_view key, std::string_view number) {
  for (const Number& known : kNumbers) {
    if (known.key == key && known.number == number) return known.reason;
  }
  return Reason::kUnsaid;
}

Reason reason_of_house_message(int status, std::string_view message) {
  // A house that breaks down or is busy has not refused, whatever it says.
  if (status == 429 || status >= 500) return Reason::kUnsaid;
  const std::string plain = lower(message, false);
  for (const Phrase& phrase : kPhrases) {
    if ((phrase.status == 0 || phrase.status == status) && says(phrase, plain)) return phrase.reason;
  }
  return Reason::kUnsaid;
}

}  // namespace shenbi::chat
