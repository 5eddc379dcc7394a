// ElevenLabs: speech and listening. The voice stands in the path and the format behind the '?'; the answer is the sound
// as it is made. What is heard comes as a text with each word's time.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
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

HouseCall elevenlabs_speech(const MediaRequest& request, const std::string& model) {
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

// A number of a form, as text.
void take_number(chat::Fields& fields, const char* name, double most,
                 std::vector<std::pair<std::string, std::string>>& form) {
  const auto text = fields.text(name);
  if (!text) return;
  double value = -1;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || !(value >= 0 && value <= most))
    fields.fail(name, fmt::format("must be a number from 0 to {}", most));
  form.emplace_back(name, *text);
}

HouseCall listen(const MediaRequest& request, const std::string& model) {
  chat::Fields fields = words_of(request, "file");
  std::vector<std::pair<std::string, std::string>> form = {{"model_id", model}};
  if (auto language = fields.text("language")) form.emplace_back("language_code", std::move(*language));
  take_number(fields, "temperature", 2, form);
  take_number(fields, "seed", 2'147'483'647, form);
  take_number(fields, "num_speakers", 32, form);
  for (const char* name : {"diarize", "tag_audio_events"}) {
    if (auto on = fields.word(name, {"true", "false"})) form.emplace_back(name, std::move(*on));
  }
  fields.word("response_format", {"json", "text", "verbose_json"});
  for (const std::string& what : fields.texts("timestamp_granularities[]", 2)) {
    if (what != "word") fields.fail("timestamp_granularities[]", "this house tells the times of words alone");
  }
  fields.refuse("prompt", "this house takes none");
  fields.end();
  return form_call("/speech-to-text", form, {}, &request.files.front());
}

// Numbers of the house that are none are left out.
chat::OrderedJson words_in(const Json& answer) {
  chat::OrderedJson words = chat::OrderedJson::array();
  for (const Json& one : at_path(answer, "words")) {
    const Json start = at_path(one, "start"), end = at_path(one, "end");
    if (text_at(one, "type") != "word" || !start.is_number() || !end.is_number()) continue;
    chat::OrderedJson word = {
        {"word", text_at(one, "text")}, {"start", start.get<double>()}, {"end", end.get<double>()}};
    if (std::string speaker = text_at(one, "speaker_id"); !speaker.empty()) word["speaker"] = std::move(speaker);
    words.push_back(std::move(word));
  }
  return words;
}

void heard(const MediaRequest& request, std::string& body, std::string& type) {
  const Json answer = house_answer(body);
  const Json text = at_path(answer, "text");
  if (!text.is_string()) throw Error(Code::kUpstream, "its answer is without a text");
  const auto format = request.words.find("response_format");
  const std::string form = format == request.words.end() ? "json" : format->get<std::string>();
  chat::OrderedJson told = {{"text", text.get<std::string>()}};
  const Json seconds = at_path(answer, "audio_duration_secs");
  const bool known = seconds.is_number() && seconds.get<double>() >= 0;
  if (form == "verbose_json") {
    told["task"] = "transcribe";
    told["language"] = text_at(answer, "language_code");
    if (known) told["duration"] = seconds.get<double>();
    told["words"] = words_in(answer);
  }
  if (known) told["usage"] = {{"type", "duration"}, {"seconds", seconds.get<double>()}};
  body =
      form == "text" ? text.get<std::string>() : told.dump(-1, ' ', false, chat::OrderedJson::error_handler_t::replace);
  type = form == "text" ? "text/plain; charset=utf-8" : "application/json";
}

}  // namespace

House elevenlabs() {
  House house = openai_like("ElevenLabs", "ElevenLabs", "https://api.elevenlabs.io/v1", "ELEVENLABS_API_KEY");
  house.key_page = "https://elevenlabs.io/app/settings/api-keys";
  house.authorise = key_header("xi-api-key");
  house.chat_path = nullptr;
  house.models_path.clear();
  house.media[MediaKind::kSpeech] = {.ask = elevenlabs_speech, .told = nullptr};
  house.media[MediaKind::kTranscription] = {.ask = listen, .told = heard};
  house.models = {"scribe_v2", "eleven_v3", "eleven_multilingual_v2", "eleven_flash_v2_5"};
  return house;
}

}  // namespace shenbi::gateway::houses
