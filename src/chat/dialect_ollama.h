#pragma once
// Ollama's POST /api/chat and /api/generate.

#include <memory>
#include <optional>

#include "chat/dialect.h"

namespace shenbi::chat {

struct OllamaCommon {
  bool stream = true;  ///< Ollama's default
  /// Seconds to keep the model loaded; negative: for ever.
  std::optional<double> keep_alive;
  std::optional<uint64_t> context;  ///< options.num_ctx: the caller says whether the model was loaded with as much
};
struct OllamaChat : OllamaCommon {
  ChatRequest request;
  bool only_load = false;  ///< no messages: load the model, or unload it with keep_alive 0
};
OllamaChat parse_ollama_chat(std::string_view body);

struct OllamaGenerate : OllamaCommon {
  /// Without `raw` the prompt is a user's message in the model's chat form.
  bool raw = false;
  ChatRequest chat;              ///< if not raw and no suffix
  CompletionRequest completion;  ///< if raw, or with a suffix to fill in front of
  bool uses_chat = true;
  bool only_load = false;  ///< no prompt
};
OllamaGenerate parse_ollama_generate(std::string_view body);

/// Nanoseconds since the request came in; given at the end, so that the writer needs no clock.
struct OllamaDurations {
  int64_t total = 0, load = 0, prompt = 0, answer = 0;
};

/// Lines of JSON, or one object. Calls go out when they are complete.
class OllamaWriter final : public AnswerWriter {
 public:
  enum class Route { kChat, kGenerate };
  OllamaWriter(Route route, bool stream, AnswerHead head);
  ~OllamaWriter() override;
  std::string push(const Event& event, uint32_t choice = 0) override;
  std::string body() const override;
  bool finished() const noexcept override;
  std::string ping() const override;
  std::string_view content_type() const noexcept override;
  /// Before the kFinish event is pushed.
  void set_durations(const OllamaDurations& durations);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What a request that only loads (or unloads) is answered.
std::string ollama_loaded(OllamaWriter::Route route, const AnswerHead& head, bool unloaded);
/// {"error": "..."}
/// "5m", "1h30m", "-1", "300ms" or a number of seconds, as seconds.
double ollama_keep_alive(const OrderedJson& json);

std::string ollama_error(std::string_view message);
std::string ollama_error(const Error& error);

}  // namespace shenbi::chat
