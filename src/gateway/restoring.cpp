#include "gateway/restoring.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "gateway/guarded.h"

namespace shenbi::gateway {
namespace {

using chat::Event;
using chat::OrderedJson;

bool is_text(const Event& event) {
  return event.kind == Event::Kind::kText || event.kind == Event::Kind::kThinking ||
         event.kind == Event::Kind::kToolArguments;
}

std::string written(const OrderedJson& json) {
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

// Every string but those at `apart`, which come in pieces. True: something has changed.
bool restore_tree(OrderedJson& json, const guard::Vault& vault, const std::set<std::string>& apart,
                  const std::string& place = "", std::string_view key = "") {
  if (json.is_string()) {
    if (apart.contains(place)) return false;
    const auto& before = json.get_ref<const std::string&>();
    if (before.find('[') == std::string::npos) return false;
    std::string text = guard::restored(before, vault, key == "arguments" || key == "partial_json");
    if (text == before) return false;
    json = std::move(text);
    return true;
  }
  bool changed = false;
  if (json.is_array()) {
    for (size_t i = 0; i < json.size(); ++i)
      changed |= restore_tree(json[i], vault, apart, fmt::format("{}/{}", place, i));
  } else if (json.is_object()) {
    for (auto& [name, value] : json.items()) changed |= restore_tree(value, vault, apart, place + "/" + name, name);
  }
  return changed;
}

// The event with other data: what stands beside it stays.
std::string with_data(const std::string& block, const std::string& data) {
  std::string out;
  bool said = false;
  for (size_t at = 0; at < block.size();) {
    const size_t end = std::min(block.find('\n', at), block.size() - 1) + 1;
    const std::string_view line = std::string_view(block).substr(at, end - at);
    const bool is_data = line.starts_with("data:") || line == "data\n";
    if (!is_data) out += line;
    if (is_data && !std::exchange(said, true)) out += "data: " + data + (line.ends_with("\r\n") ? "\r\n" : "\n");
    at = end;
  }
  return out;
}

std::string index_of(const OrderedJson& object, size_t otherwise) {
  const auto found = object.find("index");
  return found != object.end() && found->is_number_integer() ? found->dump() : std::to_string(otherwise);
}

bool has_string(const OrderedJson& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string();
}

// A list of objects, or nothing.
const OrderedJson& objects(const OrderedJson& object, const char* name) {
  static const OrderedJson none = OrderedJson::array();
  if (!object.is_object()) return none;
  const auto found = object.find(name);
  if (found == object.end() || !found->is_array()) return none;
  return std::all_of(found->begin(), found->end(), [](const OrderedJson& one) { return one.is_object(); }) ? *found
                                                                                                           : none;
}

}  // namespace

RestoringEvents::RestoringEvents(std::shared_ptr<const guard::Vault> vault, EventSink sink)
    : vault_(std::move(vault)), sink_(std::move(sink)), restorer_(*vault_) {}

void RestoringEvents::flush() {
  if (!std::exchange(waits_, false)) return;
  waiting_.text = restorer_.finish();
  sink_(std::exchange(waiting_, {}));
}

void RestoringEvents::take(Event event) {
  if (!std::exchange(told_, true))
    sink_({.kind = Event::Kind::kWarning,
           .text = "personal data was kept from the house: " + vault_->summary(),
           .name = std::string(kMaskedWarning)});
  if (!is_text(event)) {
    flush();
    if (event.kind == Event::Kind::kFinish) event.stop_string = guard::restored(event.stop_string, *vault_);
    return sink_(std::move(event));
  }
  const bool same = waits_ && waiting_.kind == event.kind && waiting_.index == event.index;
  if (waits_ && !same) flush();
  if (!waits_) restorer_ = guard::Restorer(*vault_, event.kind == Event::Kind::kToolArguments);
  event.text = restorer_.push(event.text);
  if (std::exchange(waits_, restorer_.waits())) {  // what was counted with the part that waited
    event.tokens += waiting_.tokens;
    event.logprobs.insert(event.logprobs.begin(), waiting_.logprobs.begin(), waiting_.logprobs.end());
  }
  waiting_ = {};
  if (waits_) {
    waiting_.kind = event.kind;
    waiting_.index = event.index;
  }
  if (waits_ && event.text.empty()) {
    waiting_.tokens = event.tokens;
    waiting_.logprobs = std::move(event.logprobs);
    return;
  }
  sink_(std::move(event));
}

RestoringBytes::RestoringBytes(std::shared_ptr<const guard::Vault> vault, Dialect dialect, bool stream, WireSink wire)
    : vault_(std::move(vault)), dialect_(dialect), stream_(stream), wire_(std::move(wire)) {}

void RestoringBytes::take(std::string_view bytes, bool last) {
  if (!stream_) {
    OrderedJson json = OrderedJson::parse(bytes, nullptr, false);
    const bool plain = json.is_discarded() || (json.is_object() && json.contains("error"));
    if (plain || !restore_tree(json, *vault_, {})) return wire_(bytes, last);
    return wire_(written(json), last);
  }
  unread_ += bytes;
  std::string out;
  for (const net::SseEvent& event : reader_.push(bytes)) {
    const size_t size = static_cast<size_t>(event.end - read_);
    out += restored(unread_.substr(0, size), event);
    unread_.erase(0, size);
    read_ = event.end;
  }
  if (last) {
    read_ += unread_.size();
    out += std::exchange(unread_, {}) + flush_all();
  }
  if (!out.empty() || last) wire_(out, last);
}

std::string RestoringBytes::restored(const std::string& block, const net::SseEvent& sse) {
  OrderedJson event = OrderedJson::parse(sse.data, nullptr, false);
  if (!event.is_object()) return flush_all() + block;  // "[DONE]"
  if (event.contains("error") || sse.event == "error") return flush_all() + block;
  std::string before = ended(event);
  std::set<std::string> apart;
  bool changed = false;
  for (const Piece& piece : pieces(event)) {
    apart.insert(piece.place);
    auto& channel =
        channels_.try_emplace(piece.channel, Channel{guard::Restorer(*vault_, piece.json), {}, {}, {}}).first->second;
    OrderedJson& text = event[OrderedJson::json_pointer(piece.place)];
    const std::string said = text.get<std::string>();
    std::string more = channel.restorer.push(said);
    if (piece.ends) more += channel.restorer.finish();
    if (more != said) changed = true, text = std::move(more);
    if (channel.restorer.waits()) {
      channel.block = block;
      keep(channel, event, piece);
    } else {
      channels_.erase(piece.channel);
    }
  }
  changed |= restore_tree(event, *vault_, apart);
  return before + (changed ? with_data(block, written(event)) : block);
}

// An event that says nothing but more of this stream: neither an end, nor a usage, nor a call that has been told.
void RestoringBytes::keep(Channel& channel, const OrderedJson& event, const Piece& piece) {
  channel.event = event;
  for (const char* name : {"usage", "usageMetadata"}) channel.event.erase(name);
  std::vector<std::string> steps;  // "/choices/0/delta/tool_calls/1/function/arguments"
  for (OrderedJson::json_pointer at(piece.place); !at.empty(); at = at.parent_pointer()) steps.push_back(at.back());
  std::reverse(steps.begin(), steps.end());
  OrderedJson* inside = &channel.event;
  channel.place.clear();
  for (const std::string& step : steps) {
    if (inside->is_array()) {
      OrderedJson only = std::move((*inside)[std::stoul(step)]);
      *inside = OrderedJson::array({std::move(only)});
      inside = &(*inside)[0];
      channel.place += "/0";
      continue;
    }
    // Beside the way lie an index and kinds, which tell whose piece it is; the rest has been told.
    if (inside != &channel.event) {
      OrderedJson few = OrderedJson::object();
      for (auto& [name, value] : inside->items()) {
        if (name == step || name == "index" || name == "type" || name == "thought" || name == "role")
          few[name] = std::move(value);
      }
      *inside = std::move(few);
    }
    inside = &(*inside)[step];
    channel.place += "/" + step;
  }
}

// What the event says of streams of text, in the words of its dialect.
std::vector<RestoringBytes::Piece> RestoringBytes::pieces(const OrderedJson& event) const {
  std::vector<Piece> all;
  if (dialect_ == Dialect::kAnthropic) {
    const auto delta = event.find("delta");
    if (delta == event.end() || !delta->is_object()) return all;
    for (const char* name : {"text", "thinking", "partial_json"}) {
      if (has_string(*delta, name))
        all.push_back({index_of(event, 0), std::string("/delta/") + name, std::string_view(name) == "partial_json"});
    }
    return all;
  }
  if (dialect_ == Dialect::kGemini) {
    const OrderedJson& candidates = objects(event, "candidates");
    for (size_t i = 0; i < candidates.size(); ++i) {
      const auto content = candidates[i].find("content");
      if (content == candidates[i].end()) continue;
      const OrderedJson& parts = objects(*content, "parts");
      for (size_t k = 0; k < parts.size(); ++k) {
        if (!has_string(parts[k], "text")) continue;
        const bool thought = parts[k].contains("thought") && parts[k]["thought"] == true;
        all.push_back({fmt::format("{}{}", index_of(candidates[i], i), thought ? " thought" : ""),
                       fmt::format("/candidates/{}/content/parts/{}/text", i, k), false, false});
      }
      // The last piece of a stream that ends here.
      const bool ends = has_string(candidates[i], "finishReason");
      for (size_t k = all.size(); ends && k-- > 0;) {
        const bool later = std::any_of(all.begin() + static_cast<ptrdiff_t>(k) + 1, all.end(),
                                       [&](const Piece& piece) { return piece.channel == all[k].channel; });
        all[k].ends = all[k].ends || !later;
      }
    }
    return all;
  }
  const OrderedJson& choices = objects(event, "choices");
  for (size_t i = 0; i < choices.size(); ++i) {
    const auto delta = choices[i].find("delta");
    if (delta == choices[i].end() || !delta->is_object()) continue;
    const std::string choice = index_of(choices[i], i), place = fmt::format("/choices/{}/delta/", i);
    const bool ends = has_string(choices[i], "finish_reason");
    for (const char* name : {"content", "reasoning_content", "reasoning", "refusal"}) {
      if (has_string(*delta, name)) all.push_back({choice + " " + name, place + name, false, ends});
    }
    const OrderedJson& calls = objects(*delta, "tool_calls");
    for (size_t k = 0; k < calls.size(); ++k) {
      const auto function = calls[k].find("function");
      if (function == calls[k].end() || !function->is_object() || !has_string(*function, "arguments")) continue;
      all.push_back({choice + " call " + index_of(calls[k], k),
                     fmt::format("{}tool_calls/{}/function/arguments", place, k), true, ends});
    }
  }
  return all;
}

// Streams that end with this event and have no piece in it.
std::string RestoringBytes::ended(const OrderedJson& event) {
  if (channels_.empty()) return {};
  if (dialect_ == Dialect::kAnthropic) {
    const std::string type = has_string(event, "type") ? event["type"].get<std::string>() : "";
    if (type == "content_block_stop") return flush(index_of(event, 0));
    const auto delta = event.find("delta");
    const bool proof = delta != event.end() && delta->is_object() && delta->contains("signature");
    if (proof) return flush(index_of(event, 0));
    return type.starts_with("message_") ? flush_all() : "";
  }
  std::set<std::string> here;
  for (const Piece& piece : pieces(event)) here.insert(piece.channel);
  const bool gemini = dialect_ == Dialect::kGemini;
  const OrderedJson& answers = objects(event, gemini ? "candidates" : "choices");
  std::string out;
  for (size_t i = 0; i < answers.size(); ++i) {
    if (!has_string(answers[i], gemini ? "finishReason" : "finish_reason")) continue;
    const std::string index = index_of(answers[i], i);
    std::vector<std::string> names;
    for (const auto& [name, channel] : channels_) {
      if ((name == index || name.starts_with(index + " ")) && !here.contains(name)) names.push_back(name);
    }
    for (const std::string& name : names) out += flush(name);
  }
  return out;
}

std::string RestoringBytes::flush(const std::string& name) {
  const auto found = channels_.find(name);
  if (found == channels_.end()) return {};
  Channel channel = std::move(found->second);
  channels_.erase(found);
  channel.event[OrderedJson::json_pointer(channel.place)] = channel.restorer.finish();
  return with_data(channel.block, written(channel.event));
}

std::string RestoringBytes::flush_all() {
  std::string out;
  while (!channels_.empty()) out += flush(std::string(channels_.begin()->first));
  return out;
}

}  // namespace shenbi::gateway
