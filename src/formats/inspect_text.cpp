// An Inspection as JSON for programs and as a page of text for people.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/json.h"
#include "formats/inspect.h"
#include "formats/text.h"

namespace shenbi::formats {

nlohmann::json to_json(const Inspection& found) {
  const auto or_null = [](const auto& value) { return value ? Json(*value) : Json(nullptr); };
  Json types = Json::array(), tensors = Json::array(), metadata = Json::object();
  for (const TypeCount& count : found.types) {
    types.push_back(
        {{"type", count.type}, {"tensors", count.tensors}, {"elements", count.elements}, {"bytes", count.bytes}});
  }
  for (const TensorSummary& tensor : found.tensors) {
    tensors.push_back({{"name", tensor.name}, {"type", tensor.type}, {"shape", tensor.shape}, {"bytes", tensor.bytes}});
  }
  for (const MetadataSummary& entry : found.metadata)
    metadata[entry.key] = {{"kind", entry.kind}, {"value", entry.value}};
  Json tokenizer = nullptr;
  if (found.tokenizer) {
    tokenizer = {{"kind", found.tokenizer->kind}, {"pre", found.tokenizer->pre}, {"tokens", found.tokenizer->tokens}};
  }
  const uint64_t total = found.memory.weights + found.memory.kv_cache.value_or(0);
  return {{"path", found.path},
          {"format", found.format},
          {"architecture", found.architecture},
          {"name", found.name},
          {"licence", found.licence},
          {"files", found.files},
          {"file_bytes", found.file_bytes},
          {"parameters", found.parameters},
          {"layers", or_null(found.layers)},
          {"embedding_size", or_null(found.embedding_size)},
          {"context_length", or_null(found.context_length)},
          {"num_heads", or_null(found.num_heads)},
          {"num_kv_heads", or_null(found.num_kv_heads)},
          {"head_dim", or_null(found.head_dim)},
          {"vocab_size", or_null(found.vocab_size)},
          {"tokenizer", tokenizer},
          {"chat_template", or_null(found.chat_template)},
          {"types", types},
          {"memory",
           {{"weights", found.memory.weights},
            {"kv_cache", or_null(found.memory.kv_cache)},
            {"context", found.memory.context},
            {"total", total}}},
          {"tensors", tensors},
          {"metadata", metadata}};
}

namespace {

constexpr size_t kShownTemplateLines = 3;

/// "268.1 M": as people name models.
std::string count_text(uint64_t count) {
  const double value = static_cast<double>(count);
  if (count >= 999'950'000) return fmt::format("{:.1f} B", value / 1e9);
  if (count >= 999'950) return fmt::format("{:.1f} M", value / 1e6);
  return fmt::to_string(count);
}

std::string shape_line(const Inspection& found) {
  std::vector<std::string> parts;
  if (found.layers) parts.push_back(fmt::format("{} layers", *found.layers));
  if (found.embedding_size) parts.push_back(fmt::format("embedding {}", *found.embedding_size));
  if (found.num_heads) parts.push_back(fmt::format("{} heads", *found.num_heads));
  if (found.num_kv_heads) parts.push_back(fmt::format("{} for keys and values", *found.num_kv_heads));
  if (found.head_dim) parts.push_back(fmt::format("{} wide", *found.head_dim));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string memory_line(const MemoryNeed& need) {
  if (!need.kv_cache) return fmt::format("{} for weights", bytes_text(need.weights));
  return fmt::format("about {}: {} for weights, {} for the keys and values of {} tokens",
                     bytes_text(need.weights + *need.kv_cache), bytes_text(need.weights), bytes_text(*need.kv_cache),
                     need.context);
}

std::string tokenizer_line(const TokenizerSummary& tokenizer) {
  std::string line = tokenizer.kind;
  if (!tokenizer.pre.empty()) line += fmt::format(" ({})", tokenizer.pre);
  if (tokenizer.tokens > 0) line += fmt::format(", {} tokens", tokenizer.tokens);
  return line;
}

std::string template_lines(std::string_view text) {
  std::string out = fmt::format("{} bytes", text.size());
  for (size_t line = 0; line < kShownTemplateLines && !text.empty(); ++line) {
    const size_t end = text.find('\n');
    out += fmt::format("\n{:18}| {}", "", printable(text.substr(0, end), 100));
    text = end == text.npos ? std::string_view{} : text.substr(end + 1);
  }
  return out;
}

}  // namespace

std::string to_text(const Inspection& found, bool with_tensors) {
  std::string out = printable(found.path, 400) + "\n";
  const auto row = [&out](std::string_view label, std::string_view value) {
    if (!value.empty()) out += fmt::format("  {:<16}{}\n", label, value);
  };
  const auto number = [](std::optional<uint64_t> value) { return value ? fmt::to_string(*value) : std::string(); };
  row("format", found.files > 1 ? fmt::format("{}, {} files", found.format, found.files) : found.format);
  row("architecture", found.architecture.empty() ? "unknown" : found.architecture);
  row("name", found.name);
  row("licence", found.licence);
  row("parameters", count_text(found.parameters));
  row("size", bytes_text(found.file_bytes));
  row("shape", shape_line(found));
  row("context length", number(found.context_length));
  row("vocabulary", number(found.vocab_size));
  row("tokenizer", found.tokenizer ? tokenizer_line(*found.tokenizer) : "none");
  row("chat template", found.chat_template ? template_lines(*found.chat_template) : "none");
  row("memory", memory_line(found.memory));
  for (const TypeCount& count : found.types) {
    row(&count == &found.types.front() ? "types" : "",
        fmt::format("{:<8}{:>6} tensors {:>10} parameters {:>10}", count.type, count.tensors,
                    count_text(count.elements), bytes_text(count.bytes)));
  }
  if (!with_tensors) return out;
  out += fmt::format("\nmetadata ({})\n", found.metadata.size());
  for (const MetadataSummary& entry : found.metadata) out += fmt::format("  {:<44} {}\n", entry.key, entry.value);
  out += fmt::format("\ntensors ({})\n", found.tensors.size());
  for (const TensorSummary& tensor : found.tensors) {
    out += fmt::format("  {:<44} {:<8} {:<20} {:>10}\n", tensor.name, tensor.type, shape_text(tensor.shape),
                       bytes_text(tensor.bytes));
  }
  return out;
}

}  // namespace shenbi::formats
