#pragma once
// For tests of the asking ends: neutral requests made at random, requests and events as JSON to compare, and streams
// taken apart.

#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/asking.h"
#include "chat/dialect.h"

namespace shenbi::chat::testing {

/// All that a request says.
OrderedJson shown(const ChatRequest& request);
/// What events say, whichever way the text was cut: neighbours of one kind are one, arguments stand at their call. Ids,
/// the model and the usage at the start are left out: not every dialect carries them.
OrderedJson shown(const std::vector<Event>& events);

/// The name of the function that a call's id belongs to.
std::string answered(const ChatRequest& request, const std::string& call_id);

/// The events of a stream: name ("message" if none) and data.
std::vector<std::pair<std::string, std::string>> sse_events(std::string_view bytes);

/// What a reader makes of a stream, its end included.
std::vector<Event> read_stream(const Asking& asking, std::string_view bytes);
std::vector<Event> read_body(const Asking& asking, std::string_view bytes);

/// The one kError's "status text", or "" if there is none.
std::string error_of(const std::vector<Event>& events);

/// What a dialect can carry: what is false here is not in the requests made.
struct Carries {
  bool developer = true, names = true, audio = true, files = true, continuation = true, signatures = false,
       strict = true, parallel = true, penalties = true, seed = true, local = false, logprobs = true, choice = false,
       json_object = true;
  double hottest = 2;
};

class Maker {
 public:
  Maker(uint32_t seed, Carries carries) : random_(seed), carries_(carries) {}
  ChatRequest request();
  /// An answer: kStart, thinking, text, calls, kFinish.
  std::vector<Event> answer(bool signatures, bool logprobs);

 private:
  bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  size_t below(size_t count) { return random_() % count; }
  double number(double most) { return static_cast<double>(random_() % 1000) / 1000 * most; }
  std::string text();
  std::string arguments();
  Part media();
  Message user();
  Message assistant(bool may_call);
  void settings(ChatRequest& request);

  std::mt19937 random_;
  Carries carries_;
  int call_ = 0;
};

}  // namespace shenbi::chat::testing
