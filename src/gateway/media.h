#pragma once
// Pictures, sounds and films: what is asked for, what it may come to, and jobs that take minutes.
//
// A request is kept as its caller wrote it, in OpenAI's words (JSON, or a form with files), so that a house of the same
// dialect gets its very bytes but for the model's name. What it says is told beside them: for money, and for houses
// with words of their own.
//
//   MediaRequest request = read_media(MediaKind::kImage, call.header("content-type"), body);
//   request.words["prompt"];  request.most.images;  request.with_model("gpt-image-1");

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/types.h"

namespace shenbi::gateway {

enum class MediaKind { kImage, kImageEdit, kSpeech, kTranscription, kTranslation, kVideo };

/// For messages: "images", "edited images", "speech", "transcriptions", "translations of speech", "videos".
std::string_view media_name(MediaKind kind) noexcept;
/// What comes out of it, as the catalog says it: "image", "audio", "text", "video".
std::string_view media_output(MediaKind kind) noexcept;

/// What media is paid by, besides tokens.
struct MediaUse {
  uint64_t images = 0, milliseconds = 0, characters = 0;
  bool operator==(const MediaUse&) const = default;
};

/// The figures in a usage object ("images", "seconds", "characters"), whoever wrote it; nothing if there are none.
std::optional<MediaUse> read_media_use(std::string_view usage);

// Bounds of a request and of its answer.
inline constexpr uint64_t kMaxMediaImages = 100;              ///< asked for at once; houses make ten at most
inline constexpr uint64_t kMaxMediaSeconds = 3600;            ///< of one film; houses make 20 s
inline constexpr uint64_t kMaxMediaAnswerBytes = 256u << 20;  ///< in one piece: ten pictures of 4K as base64
inline constexpr uint64_t kMaxMediaFileBytes = 1u << 30;      ///< what a job leaves: a minute of 4K film has 400 MB

struct MediaFile {
  std::string field, filename, type;
  std::string_view content;  ///< lies in the request's body
};

struct MediaRequest {
  MediaKind kind = MediaKind::kImage;
  std::string model, tenant;
  std::shared_ptr<const std::string> body;  ///< as it came
  std::string content_type;
  bool form = false;                      ///< multipart/form-data; else JSON
  size_t model_begin = 0, model_end = 0;  ///< its name in the body; in JSON with the quotes
  chat::OrderedJson words;  ///< an object: the fields of the JSON, or of the form: texts, but for numbers of films
  std::vector<MediaFile> files;
  bool stream = false;  ///< events instead of one answer
  MediaUse most;        ///< what it may come to
  uint64_t lasts = 0;   ///< ms of a sound whose length is asked for (`duration`, in seconds); 0: it is not

  /// The body with another model's name in the place of its own.
  std::string with_model(std::string_view name) const;
};

/// Throws Error{kInvalidArgument} naming the field: what every house needs (model, prompt, input, file) and what is
/// counted (n, seconds). The rest is for whoever answers to judge.
MediaRequest read_media(MediaKind kind, std::string_view content_type, std::string body);

/// Takes an answer. First what it is, then its bytes, each before the event that says so. Nothing comes of an answer
/// that failed before its first byte.
struct MediaWire {
  std::function<void(std::string_view content_type, bool whole)> head;
  std::function<void(std::string_view bytes)> bytes;
};

enum class JobState { kQueued, kRunning, kDone, kFailed, kCancelled };
std::string_view job_state_name(JobState state) noexcept;  ///< OpenAI's: "queued", "in_progress", "completed", "failed"

struct Attempt;

/// A job at a house: where it runs, and how far it is.
struct MediaJob {
  MediaKind kind = MediaKind::kVideo;
  std::string upstream, model;  ///< who works on it; the model as the upstream calls it
  std::string id;               ///< the house's
  uint32_t key = 0;             ///< which of the upstream's keys asked for it: the others may not see it
  JobState state = JobState::kQueued;
  int progress = 0;           ///< per cent
  std::string error, code;    ///< of kFailed
  std::string seconds, size;  ///< of what is made, where the house says it
  std::string link;           ///< where the result lies; "": at the house, under the job's id
  std::string raw_usage;      ///< as the house wrote it
  /// Of the router: the try that has begun, which is filed when the job is over.
  std::shared_ptr<const Attempt> attempt = nullptr;
};

/// Takes the bytes of a job's result; `type` is what the house calls them. What it throws ends the fetch.
using MediaWriter = std::function<void(std::string_view bytes)>;

}  // namespace shenbi::gateway
