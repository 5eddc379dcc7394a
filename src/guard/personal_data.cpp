#include "guard/personal_data.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/redact.h"
#include "guard/number_finder.h"

namespace shenbi::guard {
namespace {

struct Name {
  std::string_view name, word;
};
constexpr std::array<Name, kKinds> kNames = {{{"email", "EMAIL"},
                                              {"phone", "PHONE"},
                                              {"id", "ID"},
                                              {"card", "CARD"},
                                              {"iban", "IBAN"},
                                              {"ssn", "SSN"},
                                              {"ip", "IP"},
                                              {"passport", "PASSPORT"},
                                              {"plate", "PLATE"},
                                              {"company", "COMPANY"},
                                              {"key", "KEY"},
                                              {"private", "PRIVATE"},
                                              {"text", "TEXT"}}};

// RE2 takes time linear in the text, whatever the expression.
std::unique_ptr<const re2::RE2> compiled(const std::string& pattern, const std::string& name) {
  const auto refuse = [&](const std::string& why) {
    throw Error(Code::kInvalidArgument, fmt::format("{}: '{}' {}", name, pattern, why));
  };
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxPrivatePatternMemory);
  auto regex = std::make_unique<re2::RE2>(pattern, options);
  if (!regex->ok()) refuse("is no expression: " + regex->error());
  if (re2::RE2::PartialMatch("", *regex)) refuse("matches where nothing stands");
  return regex;
}

// What several findings share a part of is one.
void merge(std::vector<Finding>& all) {
  std::sort(all.begin(), all.end(),
            [](const Finding& a, const Finding& b) { return a.begin != b.begin ? a.begin < b.begin : a.end > b.end; });
  size_t kept = 0;
  for (const Finding& one : all) {
    if (kept > 0 && one.begin < all[kept - 1].end) {
      all[kept - 1].end = std::max(all[kept - 1].end, one.end);
    } else {
      all[kept++] = one;
    }
  }
  all.resize(kept);
}

}  // namespace

std::string_view kind_name(Kind kind) noexcept { return kNames[static_cast<size_t>(kind)].name; }
std::string_view kind_word(Kind kind) noexcept { return kNames[static_cast<size_t>(kind)].word; }

struct Finder::Own {
  std::vector<std::unique_ptr<const re2::RE2>> expressions;
};

Finder::Finder(const PrivateWords& own) {
  const auto bounded = [](const std::vector<std::string>& texts, uint64_t most, const char* name) {
    if (texts.size() > most) throw Error(Code::kInvalidArgument, fmt::format("{}: more than {}", name, most));
    for (const std::string& text : texts) {
      if (text.empty() || text.size() > kMaxPrivateWordBytes)
        throw Error(Code::kInvalidArgument, fmt::format("{}: one of {} bytes, between 1 and {} are allowed", name,
                                                        text.size(), kMaxPrivateWordBytes));
    }
  };
  bounded(own.words, kMaxPrivateWords, "private_words");
  bounded(own.patterns, kMaxPrivatePatterns, "private_patterns");
  auto made = std::make_unique<Own>();
  if (!own.words.empty()) {
    auto words = own.words;  // the longest first: an expression takes the first that fits
    std::stable_sort(words.begin(), words.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
    std::string any = "(?i)";
    for (const std::string& word : words) any += (any.size() > 4 ? "|" : "") + re2::RE2::QuoteMeta(word);
    made->expressions.push_back(compiled(any, "private_words"));
  }
  for (const std::string& pattern : own.patterns) made->expressions.push_back(compiled(pattern, "private_patterns"));
  own_ = std::move(made);
}

Finder::~Finder() = default;

std::vector<Finding> Finder::find(std::string_view text) const {
  std::vector<Finding> all;
  const Folded folded(text);
  find_by_form(folded, all);
  for (const KeySpan& key : find_keys(text)) all.push_back({key.begin, key.end, Kind::kKey});
  for (const auto& expression : own_->expressions) {
    re2::StringPiece match;
    for (size_t at = 0; at < text.size();) {
      if (!expression->Match(re2::StringPiece(text.data(), text.size()), at, text.size(), re2::RE2::UNANCHORED, &match,
                             1))
        break;
      const size_t begin = static_cast<size_t>(match.data() - text.data()), end = begin + match.size();
      if (end > begin) all.push_back({begin, end, Kind::kPrivate});
      at = end > begin ? end : begin + 1;  // "\b" and the like match nothing, at many places
    }
  }
  merge(all);
  return all;
}

}  // namespace shenbi::guard
