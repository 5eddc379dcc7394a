// Anthropic's Messages as a client reads it: message_start, then blocks (content_block_start, _delta, _stop), then
// message_delta with the reason and the final usage, and message_stop. Unknown events and deltas are passed over, as
// Anthropic asks of its clients; an unknown block is content that we leave out, so it is warned of.

#include <fmt/format.h>

#include <map>

#include "base/error.h"
#include "base/limits.h"
#include "chat/asking/answer_reading.h"
#include "chat/asking/anthropic_reader.h"
#include "chat/dialects/request_parts.h"

namespace shenbi::chat {
namespace {

class MessagesReader final : public BaseReader {
 public:
  explicit MessagesReader(const AnthropicTraits& traits) : BaseReader(traits.house) {}

 private:
  struct Block {
    bool call = false, grown = false;
    uint32_t index = 0;
    std::string input;  ///< what the start already had
  };

  void read_event(std::string_view, std::string_view data) override {
    const OrderedJson json = parsed(data);
    if (told_error(json)) return;
    const std::string& type = found_text(json, "type");
    if (type == "message_start") {
      const OrderedJson* message = found_object(json, "message");
      if (!message) throw Error(Code::kUpstream, "message_start: message: this field is needed");
      read_head(*message);
      start();
    } else if (type == "content_block_start") {
      const OrderedJson* block = found_object(json, "content_block");
      if (!block) throw Error(Code::kUpstream, "content_block_start: content_block: this field is needed");
      open_block(found_count(json, "index"), *block);
    } else if (type == "content_block_delta") {
      if (const OrderedJson* delta = found_object(json, "delta")) read_delta(found_count(json, "index"), *delta);
    } else if (type == "content_block_stop") {
      close_block(found_count(json, "index"));
    } else if (type == "message_delta") {
      if (const OrderedJson* delta = found_object(json, "delta")) read_stop(*delta);
      if (const OrderedJson* usage = found_object(json, "usage")) read_usage(*usage);
    } else if (type == "message_stop") {
      read_end();
    }
    if (const OrderedJson* warnings = found_list(json, "warnings")) read_warnings(*warnings);
  }

  void read_body(const OrderedJson& json) override {
    read_head(json);
    const OrderedJson* content = found_list(json, "content");
    if (!content) throw Error(Code::kUpstream, "content: the answer has none");
    for (const OrderedJson& block : *content) {
      open_block(blocks_.size(), block);
      close_block(blocks_.size() - 1);
    }
    if (const OrderedJson* warnings = found_list(json, "warnings")) read_warnings(*warnings);
    read_stop(json);
    read_end();
  }

  void read_end() override {
    if (!finish_ || over()) return over() ? void() : cut();
    finish();
  }

  void read_head(const OrderedJson& message) {
    model_ = found_text(message, "model");
    if (const OrderedJson* usage = found_object(message, "usage")) read_usage(*usage);
  }

  void read_warnings(const OrderedJson& list) {  // another Shenbi's
    for (const OrderedJson& one : list) {
      if (one.is_string()) warn_once(one_line(one.get_ref<const std::string&>()));
    }
  }

  // The second usage of a stream repeats some counts of the first and leaves others out. input_tokens are those that
  // came neither from the cache nor went into it.
  void read_usage(const OrderedJson& usage) {
    for (const auto& [key, value] : usage.items()) {
      if (!value.is_null()) all_usage_[key] = value;
    }
    keep_usage(all_usage_);
    usage_.cached_tokens = found_count(all_usage_, "cache_read_input_tokens");
    usage_.cache_write_tokens = found_count(all_usage_, "cache_creation_input_tokens");
    usage_.prompt_tokens = found_count(all_usage_, "input_tokens") + usage_.cached_tokens + usage_.cache_write_tokens;
    usage_.completion_tokens = found_count(all_usage_, "output_tokens");
    if (const OrderedJson* details = found_object(all_usage_, "output_tokens_details")) {
      usage_.reasoning_tokens = found_count(*details, "thinking_tokens");
    }
  }

  void open_block(uint64_t given, const OrderedJson& json) {
    if (blocks_.size() >= limits::kMaxRequestMessages) throw Error(Code::kUpstream, "content: too many blocks");
    Block& block = blocks_[given] = {};
    const std::string& type = found_text(json, "type");
    if (type == "text") {
      text(found_text(json, "text"));
    } else if (type == "thinking") {
      thinking(found_text(json, "thinking"));
      signature(found_text(json, "signature"));
    } else if (type == "redacted_thinking") {
      redacted(found_text(json, "data"));
    } else if (type == "tool_use") {
      block.call = true;
      block.index = begin_call(found_text(json, "id"), found_text(json, "name"));
      const OrderedJson* input = found_object(json, "input");
      block.input = input ? dumped(*input) : "{}";
    } else {
      warn_once(fmt::format("a block of type \"{}\" is left out of the answer", one_line(type.substr(0, 64))));
    }
  }

  void read_delta(uint64_t given, const OrderedJson& delta) {
    const auto found = blocks_.find(given);
    if (found == blocks_.end())
      throw Error(Code::kUpstream, fmt::format("content_block_delta: there is no block {}", given));
    const std::string& type = found_text(delta, "type");
    if (type == "text_delta") {
      text(found_text(delta, "text"));
    } else if (type == "thinking_delta") {
      thinking(found_text(delta, "thinking"));
    } else if (type == "signature_delta") {
      signature(found_text(delta, "signature"));
    } else if (type == "input_json_delta" && found->second.call) {
      const std::string& piece = found_text(delta, "partial_json");
      found->second.grown |= !piece.empty();
      arguments(found->second.index, piece);
    }
  }

  // A call without arguments streams none: its input is that of its start.
  void close_block(uint64_t given) {
    const auto found = blocks_.find(given);
    if (found == blocks_.end() || !found->second.call || found->second.grown) return;
    found->second.grown = true;
    arguments(found->second.index, found->second.input);
  }

  void read_stop(const OrderedJson& json) {
    const std::string& reason = found_text(json, "stop_reason");
    if (reason.empty()) return;
    stop_string_ = found_text(json, "stop_sequence");
    static const std::map<std::string_view, Finish> kReasons = {
        {"end_turn", Finish::kStop},      {"stop_sequence", Finish::kStop},
        {"max_tokens", Finish::kLength},  {"model_context_window_exceeded", Finish::kLength},
        {"tool_use", Finish::kToolCalls}, {"refusal", Finish::kContentFilter}};
    const auto known = kReasons.find(reason);
    finish_ = known == kReasons.end() ? Finish::kStop : known->second;
    if (known == kReasons.end()) {
      warn_once(fmt::format("{} ended its answer with the reason \"{}\"", house_, one_line(reason.substr(0, 64))));
    }
  }

  std::map<uint64_t, Block> blocks_;
  OrderedJson all_usage_ = OrderedJson::object();
};

}  // namespace

std::unique_ptr<AnswerReader> anthropic_reader(const AnthropicTraits& traits) {
  return std::make_unique<MessagesReader>(traits);
}

}  // namespace shenbi::chat
