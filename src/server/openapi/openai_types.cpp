// OpenAI's chat, completions, embeddings and models, and vLLM's routes of tokens.

#include "server/openapi/types.h"

namespace shenbi::server::openapi {
namespace {

Schema finish_reason() { return word({"stop", "length", "tool_calls", "content_filter"}); }

Schema openai_usage() {
  return object({{"prompt_tokens", count()},
                 {"completion_tokens", count()},
                 {"total_tokens", count()},
                 {"prompt_tokens_details", object({{"cached_tokens", count()}})},
                 {"completion_tokens_details", object({{"reasoning_tokens", count()}})}});
}

Schema token(Fields more) {
  Fields fields = {{"token", text()}, {"logprob", number()}, {"bytes", list(count())}};
  fields.insert(fields.end(), more.begin(), more.end());
  return object(fields);
}

// The frame of an answer of chat or completions, whole or a piece of a stream.
Schema frame(std::string_view name, Schema choice, bool piece) {
  Fields always = {{"id", text()},    {"object", word({name})},       {"created", count()},
                   {"model", text()}, {"system_fingerprint", text()}, {"choices", list(std::move(choice))}};
  Fields sometimes = {{"warnings", list(text())}};
  if (piece)
    sometimes.emplace_back("usage", or_null(named("Usage")));  // with include_usage: null but in the last piece
  else
    always.emplace_back("usage", named("Usage"));
  return object(always, sometimes);
}

Schema logprobs() { return or_null(object({{"content", list(named("TokenLogprob"))}, {"refusal", null()}})); }

Schema chat_choice() {
  const Schema call = object(
      {{"id", text()}, {"type", word({"function"})}, {"function", object({{"name", text()}, {"arguments", text()}})}});
  const Schema message = object({{"role", word({"assistant"})}, {"content", or_null(text())}, {"refusal", null()}},
                                {{"reasoning_content", text()}, {"tool_calls", list(call)}});
  return object(
      {{"index", count()}, {"message", message}, {"logprobs", logprobs()}, {"finish_reason", finish_reason()}});
}

Schema chat_piece() {
  const Schema call = object({{"index", count()}, {"function", object({{"arguments", text()}}, {{"name", text()}})}},
                             {{"id", text()}, {"type", word({"function"})}});
  const Schema delta = object(
      {},
      {{"role", word({"assistant"})}, {"content", text()}, {"reasoning_content", text()}, {"tool_calls", list(call)}});
  return object(
      {{"index", count()}, {"delta", delta}, {"logprobs", logprobs()}, {"finish_reason", or_null(finish_reason())}});
}

// Nothing stands before the first token of a prompt: its entries are null.
Schema completion_choice(bool piece) {
  const Schema lists = object({{"tokens", list(text())},
                               {"token_logprobs", list(or_null(number()))},
                               {"top_logprobs", list(or_null(map(number())))},
                               {"text_offset", list(count())}});
  return object({{"index", count()},
                 {"text", text()},
                 {"logprobs", or_null(lists)},
                 {"finish_reason", piece ? or_null(finish_reason()) : finish_reason()}});
}

Schema openai_model() {
  const Schema ours = object({{"kind", word({"chat", "base"})},
                              {"note", text()},
                              {"context", count()},
                              {"parameters", count()},
                              {"bytes", count()},
                              {"architecture", text()},
                              {"quantisation", text()},
                              {"tools", boolean()},
                              {"thinking", boolean()},
                              {"embeddings", boolean()},
                              {"loaded", boolean()}},
                             {{"alias_of", text()}});
  return object(
      {{"id", text()}, {"object", word({"model"})}, {"created", integer()}, {"owned_by", text()}, {"shenbi", ours}});
}

Schema openai_error() {
  return object(
      {{"error", object({{"message", text()},
                         {"type", text()},  // ours, or the word of the house that the request was passed on to
                         {"code", or_null(text())}},
                        {{"param", or_null(text())}})}});
}

Schema ranking() {
  const Schema result =
      object({{"index", count()}, {"relevance_score", number()}}, {{"document", object({{"text", text()}})}});
  const Schema meta = object({{"tokens", object({{"input_tokens", count()}, {"output_tokens", count()}})}},
                             {{"billed_units", object({{"search_units", count()}})}});
  return object({{"id", text()},
                 {"model", text()},
                 {"results", list(result)},
                 {"usage", object({{"prompt_tokens", count()}, {"total_tokens", count()}})},
                 {"meta", meta}});
}

}  // namespace

Types openai_types() {
  const Schema vector = either({list(number()), text()});  // text: base64 of little-endian f32
  const Schema embedding = object({{"object", word({"embedding"})}, {"index", count()}, {"embedding", vector}});
  const Schema embedding_usage = object({{"prompt_tokens", count()}, {"total_tokens", count()}});
  return {
      {"Error", openai_error()},
      {"Usage", openai_usage()},
      {"TokenLogprob", token({{"top_logprobs", list(token({}))}})},
      {"ChatCompletion", frame("chat.completion", chat_choice(), false)},
      {"ChatCompletionChunk", frame("chat.completion.chunk", chat_piece(), true)},
      {"Completion", frame("text_completion", completion_choice(false), false)},
      {"CompletionChunk", frame("text_completion", completion_choice(true), true)},
      {"Embeddings",
       object({{"object", word({"list"})}, {"data", list(embedding)}, {"model", text()}, {"usage", embedding_usage}})},
      {"Ranking", ranking()},
      {"Model", openai_model()},
      {"ModelList", object({{"object", word({"list"})}, {"data", list(named("Model"))}})},
      {"Tokens", object({{"count", count()}, {"max_model_len", count()}, {"tokens", list(count())}},
                        {{"token_strs", list(text())}})},
      {"Detokenized", object({{"prompt", text()}})},
      {"TokenizerInfo", object({{"vocab_size", count()},
                                {"model_max_length", count()},
                                {"bos_token", or_null(text())},
                                {"eos_token", or_null(text())},
                                {"add_bos_token", boolean()},
                                {"chat_template", or_null(text())}})}};
}

}  // namespace shenbi::server::openapi
