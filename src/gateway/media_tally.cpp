#include "gateway/media_tally.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace shenbi::gateway {
namespace {

uint64_t count_at(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

// How long the sound of a request lasts: spoken at an ordinary pace, or by the bytes of its file. A WAV says how many
// bytes a second has; what is compressed has about 64 kbit/s.
double guessed_seconds(const MediaRequest& request) {
  constexpr double kAsciiPerSecond = 15, kOthersPerSecond = 4.5, kBytesPerSecond = 8000;
  if (request.lasts) return static_cast<double>(request.lasts) / 1000;
  if (request.kind == MediaKind::kSpeech) {
    const auto& text = request.words.at("input").get_ref<const std::string&>();
    const auto ascii = static_cast<double>(
        std::count_if(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    const double others = static_cast<double>(request.most.characters) - ascii;
    return ascii / kAsciiPerSecond + others / kOthersPerSecond;
  }
  for (const MediaFile& file : request.files) {
    if (file.field != "file") continue;
    const std::string_view bytes = file.content;
    uint32_t rate = 0;
    if (bytes.size() >= 44 && bytes.substr(0, 4) == "RIFF" && bytes.substr(8, 8) == "WAVEfmt ")
      std::memcpy(&rate, bytes.data() + 28, sizeof rate);  // little-endian, as this machine is
    constexpr uint32_t kLeast = 1000, kMost = 10'000'000;  // else the header jokes
    return static_cast<double>(bytes.size()) / (rate >= kLeast && rate <= kMost ? rate : kBytesPerSecond);
  }
  return 0;
}

}  // namespace

MediaTally::MediaTally(const MediaRequest& request) : kind_(request.kind) {
  if (kind_ == MediaKind::kSpeech) told_["characters"] = request.most.characters;
  guess_ = guessed_seconds(request);
}

void MediaTally::whole(std::string_view body) {
  if (media_output(kind_) == "audio") return;
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return;
  if (media_output(kind_) == "image" && json.contains("data") && json["data"].is_array())
    told_["images"] = json["data"].size();
  if (const auto length = json.find("duration"); length != json.end()) told_["seconds"] = *length;
  usage(json);
}

void MediaTally::event(std::string_view data) {
  const Json json = Json::parse(data, nullptr, false);
  if (!json.is_object()) return;
  const auto type = json.find("type");
  const bool done =
      type != json.end() && type->is_string() && type->get_ref<const std::string&>().ends_with(".completed");
  if (done && media_output(kind_) == "image") told_["images"] = count_at(told_, "images") + 1;
  usage(json);
}

std::string MediaTally::raw() const {
  Json said = told_;
  const bool counted = said.contains("seconds") || said.contains("input_tokens") || said.contains("images");
  if (guess_ > 0 && !counted) {
    said["seconds"] = guess_;
    said["estimated"] = true;
  }
  return said.empty() ? "" : said.dump(-1, ' ', false, Json::error_handler_t::replace);
}

chat::Usage MediaTally::tokens() const {
  chat::Usage usage;
  usage.prompt_tokens = count_at(told_, "input_tokens");
  usage.completion_tokens = count_at(told_, "output_tokens");
  if (const auto details = told_.find("input_tokens_details"); details != told_.end() && details->is_object())
    usage.cached_tokens = std::min(count_at(*details, "cached_tokens"), usage.prompt_tokens);
  return usage;
}

void MediaTally::usage(const Json& json) {
  const auto usage = json.find("usage");
  if (usage != json.end() && usage->is_object()) told_.update(*usage);
}

}  // namespace shenbi::gateway
