#include "gateway/media.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/reason.h"
#include "base/utf8.h"
#include "chat/fields.h"
#include "chat/request_peek.h"
#include "gateway/provider.h"
#include "net/multipart.h"

namespace shenbi::gateway {
namespace {

using chat::Fields;
using chat::OrderedJson;
using chat::refuse_field;

// MP3's lowest rate, 8 kbit/s: a sound is hardly ever longer than its bytes at that.
constexpr uint64_t kFewestBytesPerSecond = 1000;
// Of slow speech in scripts with a syllable a character.
constexpr uint64_t kMostMillisecondsPerCharacter = 500;
// What a film lasts at most if nobody says: the longest that the dialect's owner makes.
constexpr uint64_t kUsualFilmSeconds = 12;

uint64_t characters_of(std::string_view utf8) {
  return static_cast<uint64_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// A count as JSON or as a form writes it.
uint64_t count_of(const OrderedJson& words, const char* name, uint64_t most, uint64_t otherwise) {
  const auto found = words.find(name);
  if (found == words.end() || found->is_null()) return otherwise;
  uint64_t value = 0;
  bool good = false;
  if (found->is_string()) {
    const auto& text = found->get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    good = error == std::errc() && end == text.data() + text.size();
  } else if (found->is_number_unsigned()) {
    value = found->get<uint64_t>();
    good = true;
  }
  if (!good || value < 1 || value > most) refuse_field(name, fmt::format("must be a whole number from 1 to {}", most));
  return value;
}

std::string needed_text(const OrderedJson& words, const char* name) {
  const auto found = words.find(name);
  if (found == words.end() || found->is_null()) refuse_field(name, "is required");
  if (!found->is_string()) refuse_field(name, fmt::format("expected a string, found {}", chat::kind_of(*found)));
  return found->get<std::string>();
}

bool flag_of(const OrderedJson& words, const char* name) {
  const auto found = words.find(name);
  if (found == words.end() || found->is_null()) return false;
  if (found->is_boolean()) return found->get<bool>();
  if (!found->is_string() || (*found != "true" && *found != "false")) refuse_field(name, "expected true or false");
  return *found == "true";
}

void read_json(MediaRequest& request) {
  const chat::RequestPeek peek = chat::peek_request(*request.body);  // "model" once, JSON by the letter
  request.model_begin = peek.model_begin;
  request.model_end = peek.model_end;
  request.words = chat::parse_body(*request.body);
}

// A field that comes several times is a list; those that are checked or exchanged here come once.
void read_form(MediaRequest& request) {
  request.words = OrderedJson::object();
  for (auto& part : net::parse_multipart(request.content_type, *request.body)) {
    const std::string name = sanitize_utf8(part.name);
    if (part.filename) {
      if (name == "model") refuse_field(name, "expected a text, found a file");
      request.files.push_back({name, sanitize_utf8(*part.filename), sanitize_utf8(part.content_type), part.content});
      continue;
    }
    OrderedJson& value = request.words[name];
    OrderedJson text = sanitize_utf8(part.content);
    if (value.is_null()) {
      value = std::move(text);
    } else if (name == "model" || name == "stream" || name == "n" || name == "seconds" || name == "prompt") {
      refuse_field(name, "is given twice");
    } else {
      if (!value.is_array()) value = OrderedJson::array({value});
      value.push_back(std::move(text));
    }
    if (name == "model") {
      request.model_begin = static_cast<size_t>(part.content.data() - request.body->data());
      request.model_end = request.model_begin + part.content.size();
    }
  }
}

// A word of some houses alone: whoever does not know it judges it himself.
uint64_t asked_milliseconds(const OrderedJson& words) {
  const auto found = words.find("duration");
  if (found == words.end() || !found->is_number_unsigned()) return 0;
  const uint64_t seconds = found->get<uint64_t>();
  return seconds <= kMaxMediaSeconds ? seconds * 1000 : 0;
}

// A form has texts alone. What houses take as a number or as true or false is read as such; other names stay texts,
// since nobody can tell what they are meant to be.
void read_values_of_form(OrderedJson& words) {
  for (const char* name : {"seed", "fps", "audio", "watermark", "prompt_extend", "prompt_optimizer",
                           "fast_pretreatment", "aigc_watermark", "with_audio", "remove_background"}) {
    const auto found = words.find(name);
    if (found == words.end() || !found->is_string()) continue;
    const OrderedJson value = OrderedJson::parse(found->get_ref<const std::string&>(), nullptr, false);
    if (value.is_boolean() || value.is_number()) *found = value;
  }
}

const MediaFile* file_named(const MediaRequest& request, std::string_view field) {
  const auto found = std::find_if(request.files.begin(), request.files.end(),
                                  [&](const MediaFile& file) { return file.field == field; });
  return found == request.files.end() ? nullptr : &*found;
}

void judge(MediaRequest& request) {
  const OrderedJson& words = request.words;
  switch (request.kind) {
    case MediaKind::kImage:
      needed_text(words, "prompt");
      request.most.images = count_of(words, "n", kMaxMediaImages, 1);
      return;
    case MediaKind::kImageEdit: {
      needed_text(words, "prompt");
      const bool given = file_named(request, "image") || file_named(request, "image[]") ||
                         (!request.form && (words.contains("image") || words.contains("images")));
      if (!given) refuse_field("image", "is required");
      request.most.images = count_of(words, "n", kMaxMediaImages, 1);
      return;
    }
    case MediaKind::kSpeech:
      request.most.characters = characters_of(needed_text(words, "input"));
      request.lasts = asked_milliseconds(words);
      request.most.milliseconds =
          request.lasts ? request.lasts : request.most.characters * kMostMillisecondsPerCharacter;
      return;
    case MediaKind::kTranscription:
    case MediaKind::kTranslation: {
      const MediaFile* file = file_named(request, "file");
      if (!file) refuse_field("file", "is required, as a file of a form");
      request.most.milliseconds = (file->content.size() + kFewestBytesPerSecond - 1) / kFewestBytesPerSecond * 1000;
      return;
    }
    case MediaKind::kVideo:
      needed_text(words, "prompt");
      request.most.milliseconds = count_of(words, "seconds", kMaxMediaSeconds, kUsualFilmSeconds) * 1000;
      return;
  }
}

}  // namespace

std::string_view media_name(MediaKind kind) noexcept {
  switch (kind) {
    case MediaKind::kImage:
      return "images";
    case MediaKind::kImageEdit:
      return "edited images";
    case MediaKind::kSpeech:
      return "speech";
    case MediaKind::kTranscription:
      return "transcriptions";
    case MediaKind::kTranslation:
      return "translations of speech";
    case MediaKind::kVideo:
      return "videos";
  }
  return "media";
}

std::string_view media_output(MediaKind kind) noexcept {
  switch (kind) {
    case MediaKind::kImage:
    case MediaKind::kImageEdit:
      return "image";
    case MediaKind::kSpeech:
      return "audio";
    case MediaKind::kVideo:
      return "video";
    default:
      return "text";
  }
}

std::string_view job_state_name(JobState state) noexcept {
  switch (state) {
    case JobState::kQueued:
      return "queued";
    case JobState::kRunning:
      return "in_progress";
    case JobState::kDone:
      return "completed";
    default:
      return "failed";
  }
}

std::optional<MediaUse> read_media_use(std::string_view usage) {
  const auto json = nlohmann::json::parse(usage, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  constexpr double kMost = 1e9;  // beyond it somebody jokes
  MediaUse use;
  bool any = false;
  const auto take = [&](const char* name, double unit, uint64_t& to) {
    const auto found = json.find(name);
    if (found == json.end()) return;
    double value = -1;
    if (found->is_number()) value = found->get<double>();
    if (found->is_string()) value = std::strtod(found->get_ref<const std::string&>().c_str(), nullptr);
    if (!(value >= 0 && value <= kMost)) return;
    to = static_cast<uint64_t>(std::ceil(value * unit));
    any = true;
  };
  take("images", 1, use.images);
  take("seconds", 1000, use.milliseconds);
  take("characters", 1, use.characters);
  return any ? std::optional(use) : std::nullopt;
}

std::string MediaRequest::with_model(std::string_view name) const {
  const std::string written =
      form ? std::string(name) : OrderedJson(name).dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  std::string out;
  out.reserve(body->size() + written.size());
  out.append(*body, 0, model_begin);
  out += written;
  out.append(*body, model_end);
  return out;
}

MediaRequest read_media(MediaKind kind, std::string_view content_type, std::string body) {
  MediaRequest request;
  request.kind = kind;
  request.content_type = content_type;
  request.body = std::make_shared<const std::string>(std::move(body));
  request.form = content_type.substr(0, 19) == "multipart/form-data";
  if (request.form) {
    read_form(request);
    if (kind == MediaKind::kVideo) read_values_of_form(request.words);
  } else {
    request.content_type = "application/json";
    read_json(request);
  }
  request.model = needed_text(request.words, "model");
  if (request.model.empty()) refuse_field("model", "is empty");
  request.stream = flag_of(request.words, "stream");
  judge(request);
  return request;
}

// --- whoever makes none ---

namespace {

[[noreturn]] void refuse_media(Provider& provider, const std::string& model, MediaKind kind) {
  const auto all = provider.models();
  const auto found = std::find_if(all.begin(), all.end(), [&](const ModelInfo& info) { return info.id == model; });
  if (found == all.end())
    throw ReasonedError(Code::kNotFound, Reason::kModelNotFound,
                        fmt::format("model '{}' is not here, and no upstream offers it", model));
  throw Error(Code::kUnsupported,
              fmt::format("model: '{}' makes {} and no {}", model,
                          found->embeddings && !found->chat ? "embeddings" : "text", media_name(kind)));
}

}  // namespace

CallPtr Provider::media(const MediaRequest& request, MediaWire, EventSink) {
  refuse_media(*this, request.model, request.kind);
}
MediaJob Provider::submit(const MediaRequest& request, std::stop_token) {
  refuse_media(*this, request.model, request.kind);
}
MediaJob Provider::look(const MediaJob& job, std::stop_token) { refuse_media(*this, job.model, job.kind); }
bool Provider::cancel(const MediaJob& job, std::stop_token) { refuse_media(*this, job.model, job.kind); }
std::string Provider::fetch(const MediaJob& job, const MediaWriter&, std::stop_token) {
  refuse_media(*this, job.model, job.kind);
}

}  // namespace shenbi::gateway
