#include "chat/readers/argument_value.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "base/utf8.h"
#include "chat/readers/call_reader.h"
#include "chat/readers/header_form.h"
#include "chat/readers/json_scanner.h"

namespace shenbi::chat {
namespace {

// The literals that are close to JSON: Python's and Gemma's. Recursive descent, with a bound on depth.
class LiteralReader {
 public:
  enum class Dialect { kPython, kGemma };
  LiteralReader(std::string_view text, Dialect dialect) : text_(text), dialect_(dialect) {}

  std::optional<std::string> whole_value() {
    if (!value(0)) return std::nullopt;
    skip();
    return at_ == text_.size() ? std::optional(out_) : std::nullopt;
  }

  std::optional<std::string> whole_arguments() {
    out_ = "{";
    for (bool first = true;; first = false) {
      skip();
      if (at_ == text_.size()) break;
      if (!first && !comma()) return std::nullopt;
      skip();
      if (at_ == text_.size()) break;  // a trailing comma
      const std::string_view name = word();
      skip();
      if (name.empty() || !eat('=')) return std::nullopt;
      if (!first) out_ += ", ";
      out_ += json_string(name) + ": ";
      if (!value(0)) return std::nullopt;
    }
    return out_ + "}";
  }

 private:
  static constexpr std::string_view kGemmaQuote = "<|\"|>";

  void skip() {
    while (at_ < text_.size() && is_white_space(text_[at_])) ++at_;
  }
  bool eat(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool comma() { return eat(','); }

  std::string_view word() {
    const size_t begin = at_;
    const auto part = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.' || c == '+' || (c & 0x80);
    };
    while (at_ < text_.size() && part(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  bool value(size_t depth) {
    skip();
    if (at_ == text_.size() || depth > limits::kMaxToolCallDepth) return false;
    const char c = text_[at_];
    if (c == '{') return object(depth);
    if (c == '[') return list(']', depth);
    if (c == '(' && dialect_ == Dialect::kPython) return list(')', depth);
    if (at_quote()) return string();
    const std::string_view name = word();
    if (name == "true" || name == "True") return add("true");
    if (name == "false" || name == "False") return add("false");
    if (name == "null" || name == "None") return add("null");
    return is_json(name) && add(name);
  }

  bool add(std::string_view json) {
    out_ += json;
    return true;
  }

  bool at_quote() const {
    if (text_.substr(at_).starts_with(kGemmaQuote)) return dialect_ == Dialect::kGemma;
    return text_[at_] == '"' || (text_[at_] == '\'' && dialect_ == Dialect::kPython);
  }

  bool string() {
    if (text_.substr(at_).starts_with(kGemmaQuote)) {
      at_ += kGemmaQuote.size();
      const size_t end = text_.find(kGemmaQuote, at_);
      if (end == std::string_view::npos) return false;
      out_ += json_string(text_.substr(at_, end - at_));
      at_ = end + kGemmaQuote.size();
      return true;
    }
    const char quote = text_[at_++];
    std::string plain;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] != '\\') {
        plain += text_[at_++];
      } else if (!escape(plain)) {
        return false;
      }
    }
    out_ += json_string(plain);
    return eat(quote);
  }

  bool escape(std::string& plain) {
    ++at_;
    if (at_ == text_.size()) return false;
    const char c = text_[at_++];
    static constexpr std::string_view kFrom = "nrtbf0\\'\"/\n", kTo("\n\r\t\b\f\0\\'\"/", 10);
    if (c == 'u' || c == 'x') return code_point(c == 'u' ? 4 : 2, plain);
    const size_t known = kFrom.find(c);
    if (known == std::string_view::npos) {
      plain += '\\';  // Python keeps an escape that it does not know
      plain += c;
    } else if (known < kTo.size()) {
      plain += kTo[known];
    }
    return true;
  }

  std::optional<char32_t> hex(size_t digits) {
    if (text_.size() - at_ < digits) return std::nullopt;
    char32_t value = 0;
    for (const size_t end = at_ + digits; at_ < end; ++at_) {
      const char c = text_[at_];
      if (!std::isxdigit(static_cast<unsigned char>(c))) return std::nullopt;
      value = value * 16 + static_cast<char32_t>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return value;
  }

  bool code_point(size_t digits, std::string& plain) {
    auto value = hex(digits);
    if (!value) return false;
    if (*value >= 0xD800 && *value < 0xDC00 && text_.substr(at_).starts_with("\\u")) {
      at_ += 2;
      const auto low = hex(4);
      if (!low) return false;
      value = 0x10000 + ((*value - 0xD800) << 10) + (*low - 0xDC00);
    }
    append_utf8(plain, *value);
    return true;
  }

  bool list(char close, size_t depth) {
    ++at_;
    out_ += '[';
    for (bool first = true;; first = false) {
      skip();
      if (eat(close)) break;
      if (!first && !comma()) return false;
      skip();
      if (!first && eat(close)) break;
      if (!first) out_ += ", ";
      if (!value(depth + 1)) return false;
    }
    out_ += ']';
    return true;
  }

  bool object(size_t depth) {
    ++at_;
    out_ += '{';
    for (bool first = true;; first = false) {
      skip();
      if (eat('}')) break;
      if (!first && !comma()) return false;
      skip();
      if (!first && eat('}')) break;
      if (!first) out_ += ", ";
      if (!key()) return false;
      skip();
      if (!eat(':')) return false;
      out_ += ": ";
      if (!value(depth + 1)) return false;
    }
    out_ += '}';
    return true;
  }

  bool key() {
    if (at_ < text_.size() && at_quote()) return string();
    if (dialect_ == Dialect::kPython) return false;
    const size_t end = text_.find_first_of(":,{}[]", at_);
    if (end == std::string_view::npos || text_[end] != ':') return false;
    const std::string_view name = trimmed(text_.substr(at_, end - at_));
    at_ = end;
    return !name.empty() && add(json_string(name));
  }

  std::string_view text_;
  Dialect dialect_;
  size_t at_ = 0;
  std::string out_;
};

}  // namespace

ArgumentType argument_type(const Tool* tool, std::string_view name) {
  if (!tool || !tool->parameters.is_object()) return ArgumentType::kUnknown;
  const auto properties = tool->parameters.find("properties");
  if (properties == tool->parameters.end() || !properties->is_object()) return ArgumentType::kUnknown;
  const auto property = properties->find(std::string(name));
  if (property == properties->end() || !property->is_object()) return ArgumentType::kUnknown;
  const auto type = property->find("type");
  if (type == property->end() || !type->is_string()) return ArgumentType::kUnknown;
  return *type == "string" ? ArgumentType::kText : ArgumentType::kOther;
}

std::string json_of_value(std::string_view text, ArgumentType type) {
  const std::string_view bare = trimmed(text);
  if (type == ArgumentType::kText) return json_string(text);
  if (is_json(bare)) return std::string(bare);
  if (const auto json = json_of_python(bare)) return *json;
  return json_string(text);
}

std::string json_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::string json_string(std::string_view text) { return '"' + json_escaped(text) + '"'; }

bool is_json(std::string_view text) {
  JsonScanner scanner;
  for (size_t i = 0; i < text.size(); ++i) {
    if (scanner.escaped(text[i]).size() != 1) return false;  // a raw control character in a string
    const auto status = scanner.push(text[i]);
    if (status == JsonScanner::Status::kBad || status == JsonScanner::Status::kDoneBefore) return false;
    if (status == JsonScanner::Status::kDone) return i + 1 == text.size();
  }
  return scanner.started() && scanner.push(' ') == JsonScanner::Status::kDoneBefore;  // a number
}

std::optional<std::string> json_of_python(std::string_view text) {
  return LiteralReader(text, LiteralReader::Dialect::kPython).whole_value();
}

std::optional<std::string> json_of_python_arguments(std::string_view text) {
  return LiteralReader(text, LiteralReader::Dialect::kPython).whole_arguments();
}

std::optional<std::string> json_of_gemma(std::string_view text) {
  return LiteralReader(text, LiteralReader::Dialect::kGemma).whole_value();
}

}  // namespace shenbi::chat
