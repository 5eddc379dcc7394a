// Google's generateContent: a piece of a stream is of the same type as the whole answer.

#include "server/openapi/types.h"

namespace shenbi::server::openapi {
namespace {

Schema part() {
  const Schema call = object({{"id", text()}, {"name", text()}, {"args", map(anything())}});
  return either({object({{"text", text()}}, {{"thought", boolean()}, {"thoughtSignature", text()}}),
                 object({{"functionCall", call}}, {{"thoughtSignature", text()}})});
}

Schema candidate() {
  const Schema token = object({{"token", text()}, {"tokenId", count()}, {"logProbability", number()}});
  const Schema logprobs =
      object({{"chosenCandidates", list(token)}, {"topCandidates", list(object({{"candidates", list(token)}}))}});
  return object({{"content", object({{"parts", list(part())}, {"role", word({"model"})}})}, {"index", count()}},
                {{"finishReason", word({"STOP", "MAX_TOKENS", "SAFETY", "OTHER"})},
                 {"logprobsResult", logprobs},
                 {"avgLogprobs", number()}});
}

Schema gemini_usage() {
  return object({{"promptTokenCount", count()}, {"candidatesTokenCount", count()}, {"totalTokenCount", count()}},
                {{"thoughtsTokenCount", count()}, {"cachedContentTokenCount", count()}});
}

Schema gemini_error() {
  const Schema info = object({{"@type", text()}, {"reason", text()}, {"domain", text()}});
  // `status` is ours, or the word of the house that the request was passed on to.
  return object(
      {{"error", object({{"code", count()}, {"message", text()}, {"status", text()}}, {{"details", list(info)}})}});
}

Schema gemini_model() {
  return object(
      {{"name", text()},
       {"displayName", text()},
       {"inputTokenLimit", count()},
       {"outputTokenLimit", count()},
       {"supportedGenerationMethods", list(word({"generateContent", "streamGenerateContent", "countTokens"}))}});
}

}  // namespace

Types gemini_types() {
  return {{"GeminiError", gemini_error()},
          {"GeminiResponse", object({{"candidates", list(candidate())},
                                     {"modelVersion", text()},
                                     {"responseId", text()},
                                     {"usageMetadata", gemini_usage()}},
                                    {{"warnings", list(text())}})},
          {"GeminiResponseList", list(either({named("GeminiResponse"), named("GeminiError")}))},
          {"GeminiTokenCount", object({{"totalTokens", count()}})},
          {"GeminiModel", gemini_model()},
          {"GeminiModelList", object({{"models", list(named("GeminiModel"))}})}};
}

}  // namespace shenbi::server::openapi
