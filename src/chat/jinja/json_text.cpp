// json.dumps: the layout is Python's (", " and ": "; with an indent the comma ends its line), strings stay UTF-8
// unless ensure_ascii asks for \u escapes, and numbers print as repr() prints them.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "chat/jinja/repr.h"

namespace shenbi::chat::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(Heap& heap, const JsonStyle& style) : heap_(heap), style_(style) {}

  void write(const Value& value) {
    heap_.step();
    switch (value.kind()) {
      case Kind::kNone:
        out_ += "null";
        break;
      case Kind::kBool:
        out_ += value.as_bool() ? "true" : "false";
        break;
      case Kind::kInt:
        append_text(heap_, out_, value);
        break;
      case Kind::kFloat:
        out_ += number(value.as_double());
        break;
      case Kind::kString:
        write_string(value.text());
        break;
      case Kind::kList:
      case Kind::kTuple:
        write_list(value.list());
        break;
      case Kind::kDict:
        write_dict(value.dict());
        break;
      default:
        fail(fmt::format("Object of type {} is not JSON serializable", type_name(value.kind())));
    }
    heap_.check_text(out_.size());
  }

  std::string take() { return std::move(out_); }

 private:
  static std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
    return float_text(value);
  }

  void write_string(std::string_view text) {
    heap_.work(2 * text.size());
    heap_.check_text(out_.size() + text.size());
    out_ += '"';
    for (size_t i = 0; i < text.size();) {
      const Utf8Char c = decode_utf8(text, i);
      write_character(c.code_point, text.substr(i, c.length));
      i += c.length;
    }
    out_ += '"';
  }

  void write_character(char32_t code, std::string_view bytes) {
    switch (code) {
      case '"':
        out_ += "\\\"";
        return;
      case '\\':
        out_ += "\\\\";
        return;
      case '\n':
        out_ += "\\n";
        return;
      case '\r':
        out_ += "\\r";
        return;
      case '\t':
        out_ += "\\t";
        return;
      case '\b':
        out_ += "\\b";
        return;
      case '\f':
        out_ += "\\f";
        return;
      default:
        break;
    }
    if (code < 0x20) return write_escape(code);
    if (code < 0x80 || !style_.ensure_ascii) {
      out_ += bytes;
    } else if (code > 0xFFFF) {
      write_escape(0xD800 + ((code - 0x10000) >> 10));
      write_escape(0xDC00 + ((code - 0x10000) & 0x3FF));
    } else {
      write_escape(code);
    }
  }

  void write_escape(char32_t unit) { out_ += fmt::format("\\u{:04x}", static_cast<uint32_t>(unit)); }

  void new_line(size_t level) {
    heap_.step();
    heap_.check_text(out_.size() + style_.indent.size() * level);
    heap_.work(style_.indent.size() * level);
    out_ += '\n';
    for (size_t i = 0; i < level; ++i) out_ += style_.indent;
  }

  void separate(bool first) {
    if (!first) out_ += style_.item_separator;
    if (style_.pretty) new_line(level_);
  }

  void write_list(const List& list) {
    if (list.items.empty()) {
      out_ += "[]";
      return;
    }
    const DepthGuard guard(heap_);
    out_ += '[';
    ++level_;
    for (size_t i = 0; i < list.items.size(); ++i) {
      separate(i == 0);
      write(list.items[i]);
    }
    close(']');
  }

  void write_dict(const Dict& dict) {
    if (dict.entries.empty()) {
      out_ += "{}";
      return;
    }
    const DepthGuard guard(heap_);
    out_ += '{';
    ++level_;
    bool first = true;
    for (const auto* entry : ordered(dict)) {
      separate(first);
      first = false;
      write_string(key_text(entry->first));
      out_ += style_.key_separator;
      write(entry->second);
    }
    close('}');
  }

  void close(char bracket) {
    --level_;
    if (style_.pretty) new_line(level_);
    out_ += bracket;
  }

  std::vector<const std::pair<Value, Value>*> ordered(const Dict& dict) {
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : dict.entries) entries.push_back(&entry);
    if (style_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(),
                       [&](const auto* a, const auto* b) { return less(heap_, a->first, b->first); });
    }
    return entries;
  }

  std::string key_text(const Value& key) {
    switch (key.kind()) {
      case Kind::kString:
        return key.text();
      case Kind::kNone:
        return "null";
      case Kind::kBool:
        return key.as_bool() ? "true" : "false";
      case Kind::kInt:
        return text_of(heap_, key);
      case Kind::kFloat:
        return number(key.as_double());
      default:
        fail(fmt::format("keys must be str, int, float, bool or None, not {}", type_name(key.kind())));
    }
  }

  Heap& heap_;
  const JsonStyle& style_;
  std::string out_;
  size_t level_ = 0;
};

}  // namespace

std::string json_text(Heap& heap, const Value& value, const JsonStyle& style) {
  JsonWriter writer(heap, style);
  writer.write(value);
  return writer.take();
}

}  // namespace shenbi::chat::jinja
