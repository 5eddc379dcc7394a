#include "formats/chat_template.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"

namespace shenbi::formats {

namespace {

std::string bounded(std::string text, const std::string& place) {
  if (text.size() <= limits::kMaxTemplateBytes) return text;
  throw Error(Code::kCorruptFile, fmt::format("{}: the chat template has {} bytes, the limit is {}", place, text.size(),
                                              limits::kMaxTemplateBytes));
}

[[noreturn]] void wrong(const std::string& place, std::string_view expected, const Json& found) {
  throw Error(Code::kCorruptFile,
              fmt::format("{}: 'chat_template' is {}, expected {}", place, found.type_name(), expected));
}

/// The entry called `name` of [{"name": ..., "template": ...}, ...].
std::optional<std::string> named(const Json& list, std::string_view name, const std::string& place) {
  for (const Json& entry : list) {
    const bool is_pair = entry.is_object() && entry.contains("name") && entry["name"].is_string() &&
                         entry.contains("template") && entry["template"].is_string();
    if (!is_pair) wrong(place, "a list of {name, template}", entry);
    if (entry["name"].get_ref<const std::string&>() == name) return entry["template"].get<std::string>();
  }
  return std::nullopt;
}

/// chat_template of a JSON side file.
std::optional<std::string> from_json_file(const Checkpoint& checkpoint, const char* file, std::string_view name) {
  const auto text = checkpoint.side_file(file);
  if (!text) return std::nullopt;
  const std::string place = (checkpoint.path() / file).string();
  const Json json = parse_json(*text, place);
  if (!json.is_object()) wrong(place, "an object around it", json);
  const auto found = json.find("chat_template");
  if (found == json.end() || found->is_null()) return std::nullopt;
  if (found->is_array()) return named(*found, name.empty() ? "default" : name, place);
  if (!found->is_string()) wrong(place, "a string", *found);
  if (!name.empty() && name != "default") return std::nullopt;
  return found->get<std::string>();
}

std::optional<std::string> from_folder(const Checkpoint& checkpoint, std::string_view name) {
  const bool is_default = name.empty() || name == "default";
  if (is_default) {
    if (auto text = checkpoint.side_file("chat_template.jinja")) return text;
  }
  if (auto text = from_json_file(checkpoint, "chat_template.json", name)) return text;
  return from_json_file(checkpoint, "tokenizer_config.json", name);
}

}  // namespace

std::optional<std::string> chat_template(const Checkpoint& checkpoint, std::string_view name) {
  std::optional<std::string> text;
  if (checkpoint.kind() == CheckpointKind::kGguf) {
    const bool is_default = name.empty() || name == "default";
    const auto found =
        checkpoint.get_string(is_default ? "tokenizer.chat_template" : fmt::format("tokenizer.chat_template.{}", name));
    if (found) text = std::string(*found);
  } else {
    text = from_folder(checkpoint, name);
  }
  if (!text) return std::nullopt;
  return bounded(*std::move(text), checkpoint.path().string());
}

}  // namespace shenbi::formats
