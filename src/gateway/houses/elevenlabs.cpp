// ElevenLabs: speech. The voice stands in the path and the format behind the '?'; the answer is the sound as it is
// made.

#include <fmt/format.h>

#include <algorithm>

#include "gateway/house.h"
#include "gateway/media_words.h"

namespace shenbi::gateway::houses {
namespace {

// OpenAI's words for formats, at the house's usual rates.
std::string format_of(chat::Fields& fields) {
  const std::string word = fields.word("response_format", {"mp3", "opus", "pcm"}).value_or("mp3");
  if (word == "opus") return "opus_48000_64";
  return word == "pcm" ? "pcm_24000" : "mp3_44100_128";
}

HouseCall ask(const MediaRequest& request, const std::string& model) {
  chat::Fields fields = words_of(request);
  chat::OrderedJson body = {{"text", fields.needed_text("input")}, {"model_id", model}};
  if (const auto speed = fields.number("speed", 0.7, 1.2)) body["voice_settings"] = {{"speed", *speed}};
  const std::string voice = fields.needed_text("voice");
  const bool plain = !voice.empty() && voice.size() <= 64 &&
                     std::all_of(voice.begin(), voice.end(), [](unsigned char c) { return std::isalnum(c); });
  if (!plain) fields.fail("voice", "must be the id of a voice of this house, letters and digits");
  const std::string format = format_of(fields);
  fields.only("stream_format", "audio", "this house sends the sound alone");
  fields.refuse("instructions", "this house takes none");
  fields.end();
  return json_call(fmt::format("/text-to-speech/{}/stream?output_format={}", voice, format), body);
}

}  // namespace

House elevenlabs() {
  House house = openai_like("ElevenLabs", "ElevenLabs", "https://api.elevenlabs.io/v1", "ELEVENLABS_API_KEY");
  house.key_page = "https://elevenlabs.io/app/settings/api-keys";
  house.authorise = key_header("xi-api-key");
  house.chat_path = nullptr;
  house.models_path.clear();
  house.media[MediaKind::kSpeech] = {.ask = ask, .told = nullptr};
  house.models = {"eleven_v3", "eleven_multilingual_v2", "eleven_flash_v2_5"};
  return house;
}

}  // namespace shenbi::gateway::houses
