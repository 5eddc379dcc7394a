// OpenAI's Responses as a client reads it. The stream tells each item's life; what was not told in pieces stands whole
// in response.output_item.done. The last event holds the response with its usage.

#include "chat/asking/responses_reader.h"

#include <fmt/format.h>

#include <map>

#include "base/error.h"
#include "base/limits.h"
#include "chat/asking/answer_reading.h"

namespace shenbi::chat {
namespace {

class ResponsesReader final : public BaseReader {
 public:
  explicit ResponsesReader(const AskingTraits& traits) : BaseReader(traits.house, traits.error_status) {}

 private:
  struct Item {
    bool call = false, told = false, signed_ = false;
    uint32_t index = 0;      ///< of the call
    uint64_t summaries = 0;  ///< parts of a summary begun
  };

  void read_event(std::string_view, std::string_view data) override {
    if (data == "[DONE]") return;
    const OrderedJson json = parsed(data);
    if (told_error(json)) return;
    const std::string& type = found_text(json, "type");
    if (type == "response.created" || type == "response.in_progress") {
      read_head(needed(json, "response"));
      if (!model_.empty()) start();
    } else if (type == "response.output_item.added") {
      open(item(json), needed(json, "item"));
    } else if (type == "response.output_item.done") {
      close(item(json), needed(json, "item"));
    } else if (type == "response.completed" || type == "response.incomplete" || type == "response.failed") {
      read_last(needed(json, "response"));
    } else {
      read_delta(type, json);
    }
  }

  void read_delta(const std::string& type, const OrderedJson& json) {
    if (type == "response.output_text.delta") {
      std::vector<TokenLogprob> tokens;
      if (const OrderedJson* list = found_list(json, "logprobs")) tokens = read_openai_logprobs(*list);
      item(json).told = true;
      text(found_text(json, "delta"), std::move(tokens));
    } else if (type == "response.refusal.delta") {
      item(json).told = true;
      finish_ = Finish::kContentFilter;
      text(found_text(json, "delta"));
    } else if (type == "response.reasoning_text.delta" || type == "response.reasoning_summary_text.delta") {
      item(json).told = true;
      thinking(found_text(json, "delta"));
    } else if (type == "response.reasoning_summary_part.added") {
      if (item(json).summaries++ > 0) thinking("\n\n");
    } else if (type == "response.function_call_arguments.delta") {
      Item& one = item(json);
      if (!one.call) throw Error(Code::kUpstream, "arguments came for an item that is no call");
      const std::string& piece = found_text(json, "delta");
      one.told |= !piece.empty();
      arguments(one.index, piece);
    }
  }

  void read_body(const OrderedJson& json) override {
    const OrderedJson* output = found_list(json, "output");
    read_head(json);
    if (!output && found_text(json, "status") != "failed") throw Error(Code::kUpstream, "output: the answer has none");
    for (size_t i = 0; output && i < output->size(); ++i) {
      open(items_[i], (*output)[i]);
      close(items_[i], (*output)[i]);
    }
    read_last(json);
  }

  static const OrderedJson& needed(const OrderedJson& json, const char* key) {
    const OrderedJson* value = found_object(json, key);
    if (!value) throw Error(Code::kUpstream, fmt::format("{}: this field is needed", key));
    return *value;
  }

  Item& item(const OrderedJson& json) {
    if (items_.size() >= limits::kMaxRequestMessages) throw Error(Code::kUpstream, "output: too many items");
    return items_[found_count(json, "output_index")];
  }

  void read_head(const OrderedJson& response) {
    if (model_.empty()) model_ = found_text(response, "model");
  }

  void open(Item& one, const OrderedJson& json) {
    if (found_text(json, "type") != "function_call" || one.call) return;
    one.call = true;
    one.index = begin_call(found_text(json, "call_id"), found_text(json, "name"));
  }

  void close(Item& one, const OrderedJson& json) {
    const std::string& type = found_text(json, "type");
    if (type == "function_call") {
      if (!one.call) open(one, json);
      if (!std::exchange(one.told, true)) arguments(one.index, found_text(json, "arguments"));
    } else if (type == "reasoning") {
      close_reasoning(one, json);
    } else if (type == "message") {
      if (!std::exchange(one.told, true)) read_message(json);
    } else {
      warn_once(fmt::format("an item of type \"{}\" is left out of the answer", one_line(type.substr(0, 64))));
    }
  }

  void close_reasoning(Item& one, const OrderedJson& json) {
    if (!std::exchange(one.told, true)) {
      const OrderedJson* content = found_list(json, "content");
      const bool plain = content && !content->empty();
      if (!plain) content = found_list(json, "summary");
      for (size_t i = 0; content && i < content->size(); ++i) {
        if (!plain && i > 0) thinking("\n\n");
        thinking(found_text((*content)[i], "text"));
      }
    }
    const std::string& encrypted = found_text(json, "encrypted_content");
    if (encrypted.empty() || std::exchange(one.signed_, true)) return;
    const std::string& id = found_text(json, "id");
    signature(id.starts_with("rs_") ? id + "|" + encrypted : encrypted);
  }

  void read_message(const OrderedJson& json) {
    const OrderedJson* content = found_list(json, "content");
    for (size_t i = 0; content && i < content->size(); ++i) {
      const OrderedJson& part = (*content)[i];
      if (const std::string& refusal = found_text(part, "refusal"); !refusal.empty()) {
        finish_ = Finish::kContentFilter;
        text(refusal);
        continue;
      }
      std::vector<TokenLogprob> tokens;
      if (const OrderedJson* list = found_list(part, "logprobs")) tokens = read_openai_logprobs(*list);
      text(found_text(part, "text"), std::move(tokens));
    }
  }

  void read_last(const OrderedJson& response) {
    read_head(response);
    if (const OrderedJson* usage = found_object(response, "usage")) read_usage(*usage);
    if (told_error(response)) return;
    if (const OrderedJson* warnings = found_list(response, "warnings")) {  // another Shenbi's
      for (const OrderedJson& one : *warnings) {
        if (one.is_string()) warn_once(one_line(one.get_ref<const std::string&>()));
      }
    }
    const std::string& status = found_text(response, "status");
    if (status == "failed") return fail(502, fmt::format("{}: the answer failed", house_));
    if (status == "cancelled") finish_ = Finish::kCancelled;
    if (status == "incomplete") {
      const OrderedJson* details = found_object(response, "incomplete_details");
      const bool filtered = details && found_text(*details, "reason") == "content_filter";
      finish_ = filtered ? Finish::kContentFilter : Finish::kLength;
    } else if (status != "completed" && status != "cancelled") {
      throw Error(Code::kUpstream,
                  fmt::format("status: \"{}\" is no end of an answer", one_line(status.substr(0, 64))));
    }
    finish();
  }

  void read_usage(const OrderedJson& usage) {
    keep_usage(usage);
    usage_.prompt_tokens = found_count(usage, "input_tokens");
    usage_.completion_tokens = found_count(usage, "output_tokens");
    if (const OrderedJson* details = found_object(usage, "input_tokens_details")) {
      usage_.cached_tokens = found_count(*details, "cached_tokens");
      usage_.cache_write_tokens = found_count(*details, "cache_write_tokens");
    }
    if (const OrderedJson* details = found_object(usage, "output_tokens_details")) {
      usage_.reasoning_tokens = found_count(*details, "reasoning_tokens");
    }
  }

  std::map<uint64_t, Item> items_;
};

}  // namespace

std::unique_ptr<AnswerReader> responses_reader(const AskingTraits& traits) {
  return std::make_unique<ResponsesReader>(traits);
}

}  // namespace shenbi::chat
