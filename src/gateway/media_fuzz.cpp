// Any bytes as a request for media (JSON or a form), and as what houses answer to one: an Error, or something whose
// parts lie within it.

#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "gateway/house.h"
#include "gateway/media.h"

namespace {

using namespace shenbi::gateway;

void as_request(MediaKind kind, const std::string& bytes) {
  for (const std::string_view type : {"application/json", "multipart/form-data; boundary=b"}) {
    try {
      const MediaRequest request = read_media(kind, type, bytes);
      if (request.model_end > request.body->size() || request.model_begin > request.model_end) std::abort();
      const std::string own = read_media(kind, type, request.with_model("m")).model;
      if (own != "m") std::abort();
    } catch (const shenbi::Error&) {
    }
  }
}

void as_answer(MediaKind kind, const std::string& bytes) {
  MediaRequest request =
      read_media(MediaKind::kSpeech, "application/json", R"({"model":"m","input":"x","response_format":"mp3"})");
  request.kind = kind;
  for (const char* name : {"openai", "zhipu", "dashscope", "replicate", "minimax", "stability", "fal", "elevenlabs",
                           "runway", "heygen", "did"}) {
    const House house = find_house(name);
    try {
      if (const auto way = house.media.find(kind); way != house.media.end()) {
        std::string body = bytes, type = "application/json";
        if (way->second.told) way->second.told(request, body, type);
        if (kind != MediaKind::kSpeech) check_openai_answer(request, body);
      }
      if (const auto way = house.jobs.find(kind); way != house.jobs.end()) {
        MediaJob job{.kind = kind, .model = "fal-ai/flux/dev"};
        way->second.read(bytes, job);  // as the answer to a submission
        if (way->second.look(job).path.find("..") != std::string::npos) std::abort();
        way->second.read(bytes, job);  // and to a look
        if (way->second.result) {
          if (way->second.result(job, bytes).path.find("..") != std::string::npos) std::abort();
          way->second.read_result(bytes, job);
        }
        if (way->second.told) {
          std::string body = bytes, type;
          way->second.told(request, body, type);
          check_openai_answer(request, body);
        }
      }
    } catch (const shenbi::Error&) {
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto kind = static_cast<MediaKind>(data[0] % 6);
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  as_request(kind, bytes);
  as_answer(kind, bytes);
  read_media_use(bytes);
  return 0;
}
