// OpenAI's pictures and sounds: /v1/images and /v1/audio. Whoever answers judges the fields; what is checked here is
// whose key it is, which model, and what is counted.

#include "server/media_answering.h"

namespace shenbi::server::routes {

RouteList openai_media() {
  const auto with = [](std::string_view pattern, gateway::MediaKind kind) {
    return Route::with_key(Face::kOpenAi, "POST", pattern, Scope::kInfer,
                           [kind](RouteCall& call) { answer_media(call, kind); });
  };
  return {with("/v1/images/generations", gateway::MediaKind::kImage),
          with("/v1/images/edits", gateway::MediaKind::kImageEdit),
          with("/v1/audio/speech", gateway::MediaKind::kSpeech),
          with("/v1/audio/transcriptions", gateway::MediaKind::kTranscription),
          with("/v1/audio/translations", gateway::MediaKind::kTranslation)};
}

}  // namespace shenbi::server::routes
