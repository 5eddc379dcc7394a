#pragma once
// How a house is asked for media. Houses of OpenAI's dialect take the caller's bytes as they are; the others say how
// its words become theirs, and how theirs are read.
//
//   speaks_openai_media(house, {MediaKind::kImage, MediaKind::kSpeech, MediaKind::kVideo});

#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "gateway/media.h"
#include "net/client.h"

namespace shenbi::gateway {

struct House;

/// A request to a house but for the proof who we are.
struct HouseCall {
  std::string method = "POST";
  std::string path;  ///< below the base URL
  net::Headers headers;
  std::string body;
};

/// An answer in one piece or as it comes.
struct MediaWay {
  /// The words of the request, each of which is carried or refused by name.
  std::function<HouseCall(const MediaRequest& request, const std::string& model)> ask;
  /// A whole answer in OpenAI's words: `body` and `type` are put in the place of the house's. Throws Error{kUpstream}
  /// for what is no answer. Null: they are OpenAI's already.
  std::function<void(const MediaRequest& request, std::string& body, std::string& type)> told;
};

/// A job: submit, poll, cancel, fetch. Films are jobs of ours too; of other kinds the caller waits for the answer, and
/// `told` says what it becomes.
struct JobWay {
  std::function<HouseCall(const MediaRequest& request, const std::string& model)> submit;
  std::function<HouseCall(const MediaJob& job)> look;
  std::function<HouseCall(const MediaJob& job)> cancel;  ///< null: a job cannot be stopped
  /// Fills in what the answer to submit or look says. Throws Error{kUpstream} for what is no answer.
  std::function<void(const std::string& body, MediaJob& job)> read;
  /// Where the result lies if no link says it; null: a link always does.
  std::function<HouseCall(const MediaJob& job)> content;
  /// Asked once the job is done, for houses that keep what it made at another address; `state` is the answer that said
  /// so. Null: that answer is all.
  std::function<HouseCall(const MediaJob& job, const std::string& state)> result;
  /// As read(), of the answer to `result`.
  std::function<void(const std::string& body, MediaJob& job)> read_result;
  /// As MediaWay::told, of the answer that was the last. Null: nobody waits for jobs of this kind.
  std::function<void(const MediaRequest& request, std::string& body, std::string& type)> told;
  /// Models that are asked this way; null: all. The others are asked by MediaWay.
  std::function<bool(const std::string& model)> takes;
};

using MediaWays = std::map<MediaKind, MediaWay>;
using JobWays = std::map<MediaKind, JobWay>;

/// OpenAI's paths and words for these kinds; kVideo is a job.
void speaks_openai_media(House& house, std::initializer_list<MediaKind> kinds);
/// All that OpenAI makes.
void speaks_openai_media(House& house);

/// Whether it is a picture's list, a text or a film's state in OpenAI's words; throws Error{kUpstream} if not.
void check_openai_answer(const MediaRequest& request, std::string_view body);

}  // namespace shenbi::gateway
