#include "chat/request_peek.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/limits.h"

namespace shenbi::chat {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kOnes = 0x0101010101010101, kTops = 0x8080808080808080;

// A bit in each byte of `word` that is zero; above the first one there may be false ones.
constexpr uint64_t zeros(uint64_t word) { return (word - kOnes) & ~word & kTops; }

// Fields of a request that is plain (RequestPeek), in the words of OpenAI and Anthropic; sorted.
constexpr std::array<std::string_view, 20> kPlainFields = {"frequency_penalty",
                                                           "max_completion_tokens",
                                                           "max_tokens",
                                                           "messages",
                                                           "metadata",
                                                           "min_p",
                                                           "model",
                                                           "n",
                                                           "presence_penalty",
                                                           "prompt",
                                                           "seed",
                                                           "stop",
                                                           "stop_sequences",
                                                           "stream",
                                                           "stream_options",
                                                           "system",
                                                           "temperature",
                                                           "top_k",
                                                           "top_p",
                                                           "user"};
static_assert(std::is_sorted(kPlainFields.begin(), kPlainFields.end()));

class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}

  RequestPeek walk() {
    blanks();
    if (at_ == text_.size() || text_[at_] != '{') refuse("expected an object");
    ++at_;
    blanks();
    if (take('}')) return end();
    do {
      blanks();
      const std::string_view key = string();
      blanks();
      if (!take(':')) refuse("expected ':'");
      blanks();
      field(decoded(key));
      blanks();
    } while (take(','));
    if (!take('}')) refuse("expected ',' or '}'");
    return end();
  }

 private:
  [[noreturn]] void refuse(std::string_view why) const {
    throw Error(Code::kInvalidArgument, fmt::format("the body is no JSON: {} at byte {}", why, at_));
  }

  RequestPeek end() {
    blanks();
    if (at_ != text_.size()) refuse("something follows the object");
    // Keys may be written with escapes, so the words are looked for in what an escape cannot hide: a backslash before a
    // 'u' makes it a maybe.
    for (const std::string_view word : {"ignature\"", "encrypted_content\"", "\\u"}) {
      peek_.signatures = peek_.signatures || text_.find(word) != std::string_view::npos;
    }
    return std::move(peek_);
  }

  void field(const std::string& key) {
    const size_t begin = at_;
    value();
    const std::string_view given = text_.substr(begin, at_ - begin);
    peek_.plain = peek_.plain && std::binary_search(kPlainFields.begin(), kPlainFields.end(), key);
    if (key == "model") {
      once(key, has_model_);
      if (given.front() != '"') throw Error(Code::kInvalidArgument, "model: expected a string");
      peek_.model = decoded(given);
      peek_.model_begin = begin;
      peek_.model_end = at_;
    } else if (key == "stream") {
      once(key, has_stream_);
      if (given != "true" && given != "false" && given != "null")
        throw Error(Code::kInvalidArgument, "stream: expected true or false");
      peek_.stream = given == "true";
    } else if (key == "stream_options") {
      once(key, peek_.stream_options);
    } else if (key == "max_tokens" || key == "max_completion_tokens" || key == "max_output_tokens") {
      longest(count(plain_value(given), RequestPeek::kMostTokens));
    } else if (key == "prompt") {
      peek_.plain = peek_.plain && given.front() == '"';  // a list may be a thousand prompts
    } else if (key == "n") {
      peek_.answers =
          std::max(peek_.answers, count(Json::parse(given, nullptr, false), RequestPeek::kMostAnswers).value_or(1));
    } else if (key == "generationConfig" || key == "generation_config") {
      once("generationConfig", has_generation_);
      generation(Json::parse(given, nullptr, false));
    }
  }

  // Gemini's.
  void generation(const Json& config) {
    if (!config.is_object()) return;
    for (const auto& [key, value] : config.items()) {
      if (key == "maxOutputTokens" || key == "max_output_tokens") longest(count(value, RequestPeek::kMostTokens));
      if (key == "candidateCount" || key == "candidate_count")
        peek_.answers = std::max(peek_.answers, count(value, RequestPeek::kMostAnswers).value_or(1));
    }
  }

  // As a value of its own, without a parser where it is a number as most are.
  static Json plain_value(std::string_view given) {
    const bool digits =
        given.size() <= 15 && std::all_of(given.begin(), given.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) return Json::parse(given, nullptr, false);
    uint64_t value = 0;
    for (const char c : given) value = value * 10 + static_cast<uint64_t>(c - '0');
    return value;
  }

  void longest(std::optional<uint64_t> tokens) {
    if (tokens) peek_.max_tokens = std::max(peek_.max_tokens.value_or(0), *tokens);
  }

  static std::optional<uint64_t> count(const Json& value, uint64_t most) {
    if (!value.is_number() || value.get<double>() < 0) return std::nullopt;
    return value.get<double>() >= static_cast<double>(most) ? most
                                                            : static_cast<uint64_t>(std::ceil(value.get<double>()));
  }

  static void once(std::string_view key, bool& seen) {
    if (std::exchange(seen, true)) throw Error(Code::kInvalidArgument, fmt::format("{}: it is given twice", key));
  }

  // A string as it stands in the text, quotes included.
  std::string decoded(std::string_view quoted) const {
    const std::string_view inside = quoted.substr(1, quoted.size() - 2);
    if (inside.find('\\') == std::string_view::npos) return std::string(inside);
    const auto json = Json::parse(quoted, nullptr, false);
    if (!json.is_string()) refuse("a string that cannot be read");
    return json.get<std::string>();
  }

  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }

  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // To the next byte that ends a run of a string: a quote, a backslash, a control character.
  void run() {
    for (; at_ + 8 <= text_.size(); at_ += 8) {
      uint64_t word = 0;
      std::memcpy(&word, text_.data() + at_, 8);
      const uint64_t controls = (word - 0x20 * kOnes) & ~word & kTops;
      if (zeros(word ^ ('"' * kOnes)) | zeros(word ^ ('\\' * kOnes)) | controls) break;
    }
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
           static_cast<unsigned char>(text_[at_]) >= 32)
      ++at_;
  }

  std::string_view string() {
    const size_t begin = at_;
    if (!take('"')) refuse("expected a string");
    while (true) {
      run();
      if (at_ == text_.size()) refuse("a string without an end");
      if (take('"')) return text_.substr(begin, at_ - begin);
      if (!take('\\')) refuse("a control character in a string");
      escape();
    }
  }

  void escape() {
    if (at_ == text_.size()) refuse("a string without an end");
    const char c = text_[at_++];
    if (c == 'u') {
      for (int i = 0; i < 4; ++i, ++at_) {
        if (at_ == text_.size() || !std::isxdigit(static_cast<unsigned char>(text_[at_]))) refuse("a broken escape");
      }
    } else if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) {
      refuse("a broken escape");
    }
  }

  void number() {
    take('-');
    if (!take('0')) digits();
    if (take('.')) digits();
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      digits();
    }
  }

  void digits() {
    const size_t begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    if (at_ == begin) refuse("expected a value");
  }

  // A value without parts of its own; the head of one that has. True: it is open now.
  bool atom() {
    if (at_ == text_.size()) refuse("expected a value");
    switch (text_[at_]) {
      case '{':
      case '[':
        return true;
      case '"':
        string();
        return false;
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        number();
        return false;
    }
  }

  bool word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) refuse("expected a value");
    at_ += word.size();
    return false;
  }

  // The walk keeps the open brackets in a list of its own, not on the stack.
  void value() {
    std::string open;
    while (true) {
      blanks();
      if (atom()) {
        open += text_[at_++];
        if (open.size() >= limits::kMaxRequestDepth) refuse("nested too deep");
        blanks();
        if (!take(closing(open))) {
          if (open.back() == '{') key();
          continue;
        }
        open.pop_back();
      }
      if (!goes_on(open)) return;
    }
  }

  static char closing(const std::string& open) { return open.back() == '{' ? '}' : ']'; }

  void key() {
    blanks();
    string();
    blanks();
    if (!take(':')) refuse("expected ':'");
  }

  // Behind a value: whether another one follows in what is open.
  bool goes_on(std::string& open) {
    while (!open.empty()) {
      blanks();
      if (take(',')) {
        if (open.back() == '{') key();
        return true;
      }
      if (!take(closing(open))) refuse("expected ',' or the end of a list");
      open.pop_back();
    }
    return false;
  }

  std::string_view text_;
  size_t at_ = 0;
  RequestPeek peek_;
  bool has_model_ = false, has_stream_ = false, has_generation_ = false;
};

}  // namespace

std::string RequestPeek::with_model(std::string_view body, std::string_view name) const {
  const std::string quoted = nlohmann::json(name).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string out;
  out.reserve(body.size() + quoted.size() + 64);  // room for what a caller may put behind it
  out += body.substr(0, model_begin);
  out += quoted;
  out += body.substr(model_end);
  return out;
}

RequestPeek peek_request(std::string_view body) { return Walker(body).walk(); }

}  // namespace shenbi::chat
