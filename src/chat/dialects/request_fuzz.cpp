// Any bytes as a request body of any dialect: a neutral request or an Error, nothing else.

#include <cstdint>

#include "base/error.h"
#include "chat/dialect_anthropic.h"
#include "chat/dialect_gemini.h"
#include "chat/dialect_ollama.h"
#include "chat/dialect_openai.h"
#include "chat/dialect_responses.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace shenbi::chat;
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    switch (data[0] % 9) {
      case 0:
        static_cast<void>(parse_openai_chat(body));
        break;
      case 1:
        static_cast<void>(parse_openai_completion(body));
        break;
      case 2:
        static_cast<void>(parse_openai_responses(body));
        break;
      case 3:
        static_cast<void>(parse_anthropic_messages(body));
        break;
      case 4:
        static_cast<void>(parse_anthropic_messages(body, true));
        break;
      case 5:
        static_cast<void>(parse_gemini_generate(body, "m", true));
        break;
      case 6:
        static_cast<void>(parse_gemini_count(body, "m"));
        break;
      case 7:
        static_cast<void>(parse_ollama_chat(body));
        break;
      default:
        static_cast<void>(parse_ollama_generate(body));
        break;
    }
  } catch (const shenbi::Error&) {
  }
  return 0;
}
