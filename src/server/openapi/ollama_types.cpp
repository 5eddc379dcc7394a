// Ollama's chat, generate, embed and models. A line of a stream is of the same type as the answer in one piece: its
// last line has the counts.

#include "server/openapi/types.h"

namespace shenbi::server::openapi {
namespace {

Schema answer(std::string_view text_field, Schema text_schema, Fields sometimes) {
  for (const char* duration : {"total_duration", "load_duration", "prompt_eval_duration", "eval_duration"}) {
    sometimes.emplace_back(duration, count());  // nanoseconds
  }
  sometimes.emplace_back("done_reason", word({"stop", "length", "load", "unload"}));
  sometimes.emplace_back("prompt_eval_count", count());
  sometimes.emplace_back("eval_count", count());
  sometimes.emplace_back("logprobs", list(named("TokenLogprob")));
  sometimes.emplace_back("warnings", list(text()));
  return object({{"model", text()},
                 {"created_at", text()},
                 {std::string(text_field), std::move(text_schema)},
                 {"done", boolean()}},
                sometimes);
}

Schema chat() {
  const Schema call =
      object({{"id", text()}, {"function", object({{"name", text()}, {"arguments", map(anything())}})}});
  return answer(
      "message",
      object({{"role", word({"assistant"})}, {"content", text()}}, {{"thinking", text()}, {"tool_calls", list(call)}}),
      {});
}

Schema details() {
  return object({{"parent_model", text()},
                 {"format", word({"gguf", "safetensors"})},
                 {"family", text()},
                 {"families", list(text())},
                 {"parameter_size", text()},
                 {"quantization_level", text()}});
}

Schema models(Fields more) {
  Fields fields = {
      {"name", text()}, {"model", text()}, {"size", count()}, {"digest", text()}, {"details", named("OllamaDetails")}};
  for (auto& field : more) fields.push_back(std::move(field));
  return object({{"models", list(object(fields))}});
}

Schema show() {
  return object({{"modelfile", text()},
                 {"parameters", text()},
                 {"template", text()},
                 {"details", named("OllamaDetails")},
                 {"model_info", map(either({text(), count()}))},
                 {"capabilities", list(word({"completion", "tools", "thinking"}))},
                 {"modified_at", text()}});
}

Schema progress() {
  return either({object({{"status", text()}}, {{"total", count()}, {"completed", count()}, {"notice", text()}}),
                 named("OllamaError")});
}

}  // namespace

Types ollama_types() {
  return {{"OllamaError", object({{"error", text()}})},
          {"OllamaChat", chat()},
          {"OllamaGenerate", answer("response", text(), {{"thinking", text()}})},
          {"OllamaEmbeddings", object({{"model", text()},
                                       {"embeddings", list(list(number()))},
                                       {"total_duration", count()},
                                       {"load_duration", count()},
                                       {"prompt_eval_count", count()}})},
          {"OllamaDetails", details()},
          {"OllamaTags", models({{"modified_at", text()}})},
          {"OllamaRunning", models({{"expires_at", text()}, {"size_vram", count()}, {"context_length", count()}})},
          {"OllamaModel", show()},
          {"OllamaProgress", progress()}};
}

}  // namespace shenbi::server::openapi
