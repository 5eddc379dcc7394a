// Any bytes as a template, rendered on a small conversation: nothing but Error may come out, within the limits.

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"
#include "chat/template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto variables = nlohmann::ordered_json::parse(R"({
      "messages": [{"role": "system", "content": "S\u4f60"}, {"role": "user", "content": "a <b>"},
                   {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1.5}}}]}],
      "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
      "add_generation_prompt": true, "bos_token": "<s>", "n": 3, "xs": [3, 1, 2], "s": "Hello", "none": null})");
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto chat = shenbi::chat::ChatTemplate::parse(text, "fuzz");
    shenbi::chat::RenderOptions options;
    options.now = std::chrono::system_clock::from_time_t(1'753'900'000);
    static_cast<void>(chat.render(variables, options));
  } catch (const shenbi::Error&) {
  }
  return 0;
}
