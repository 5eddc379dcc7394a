#include "guard/vault.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "guard/letters.h"

namespace shenbi::guard {
namespace {

// "[PASSPORT_10000]" and some room.
constexpr size_t kLongestPlaceholder = 20;

enum class Form { kNone, kBegun, kWhole };

// Whether `text`, which begins with '[', is a placeholder's form, or may become one.
Form form_of(std::string_view text, size_t& size) {
  size_t at = 1;
  while (at < text.size() && is_upper(text[at])) ++at;
  const size_t word = at;
  if (word > kLongestPlaceholder) return Form::kNone;
  if (at == text.size()) return Form::kBegun;
  if (word == 1 || text[at++] != '_') return Form::kNone;
  const size_t number = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  if (at > kLongestPlaceholder) return Form::kNone;
  if (at == text.size()) return Form::kBegun;
  size = at + 1;
  return at > number && text[at] == ']' ? Form::kWhole : Form::kNone;
}

std::string in_json(const std::string& value) {
  const std::string quoted = nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace

const std::string& Vault::placeholder(Kind kind, std::string_view value) {
  if (const auto found = placeholders_.find(value); found != placeholders_.end()) return found->second;
  if (placeholders_.size() >= kMaxMaskedValues)
    throw Error(Code::kInvalidArgument,
                fmt::format("the request holds more than {} pieces of personal data", kMaxMaskedValues));
  const uint32_t number = ++counts_[static_cast<size_t>(kind)];
  std::string name = fmt::format("[{}_{}]", kind_word(kind), number);
  values_.emplace(name, value);
  return placeholders_.emplace(std::string(value), std::move(name)).first->second;
}

const std::string* Vault::known(std::string_view value) const {
  const auto found = placeholders_.find(value);
  return found == placeholders_.end() ? nullptr : &found->second;
}

const std::string* Vault::value(std::string_view placeholder) const {
  const auto found = values_.find(placeholder);
  return found == values_.end() ? nullptr : &found->second;
}

std::string Vault::summary() const {
  std::string all;
  for (size_t i = 0; i < kKinds; ++i) {
    if (counts_[i] > 0)
      all += fmt::format("{}{} {}", all.empty() ? "" : ", ", kind_name(static_cast<Kind>(i)), counts_[i]);
  }
  return all;
}

std::optional<std::string> masked(std::string_view text, const Finder& finder, Vault& vault, bool known_only) {
  std::string out;
  size_t said = 0;
  for (const Finding& one : finder.find(text)) {
    const std::string_view value = text.substr(one.begin, one.end - one.begin);
    const std::string* name = known_only ? vault.known(value) : &vault.placeholder(one.kind, value);
    if (!name) continue;
    out.append(text.substr(said, one.begin - said)).append(*name);
    said = one.end;
  }
  if (said == 0) return std::nullopt;  // a finding is not empty
  return out.append(text.substr(said));
}

std::string Restorer::push(std::string_view piece) {
  if (held_.empty() && piece.find('[') == piece.npos) return std::string(piece);
  const std::string text = std::exchange(held_, {}).append(piece);
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t open = std::min(text.find('[', at), text.size());
    out.append(text, at, open - at);
    if (open == text.size()) break;
    const std::string_view rest = std::string_view(text).substr(open);
    size_t size = 0;
    const Form form = form_of(rest, size);
    if (form == Form::kBegun) {
      held_ = rest;
      break;
    }
    const std::string* value = form == Form::kWhole ? vault_->value(rest.substr(0, size)) : nullptr;
    if (value) {
      out += json_ ? in_json(*value) : *value;
      at = open + size;
    } else {
      out += '[';
      at = open + 1;
    }
  }
  return out;
}

std::string Restorer::finish() { return std::exchange(held_, {}); }

std::string restored(std::string_view text, const Vault& vault, bool json) {
  Restorer restorer(vault, json);
  std::string out = restorer.push(text);
  return out + restorer.finish();
}

}  // namespace shenbi::guard
