#include "chat/dialects/openai_request.h"

#include <fmt/format.h>

#include <charconv>

#include "base/limits.h"

namespace shenbi::chat {
namespace {

void read_logit_bias(Fields& fields, Sampling& sampling) {
  const OrderedJson* json = fields.object("logit_bias");
  if (!json) return;
  Fields biases(*json, "logit_bias");
  for (const auto& [key, value] : json->items()) {
    int32_t id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id < 0) biases.fail(key, "a token's id is expected");
    sampling.logit_bias[id] = biases.number(key, -100, 100).value_or(0);
  }
}

std::string function_name(const OrderedJson& json, const std::string& field, bool nested) {
  Fields fields(json, field);
  fields.accept({"type"});
  if (!nested) {
    const std::string name = fields.needed_text("name");
    fields.end();
    return name;
  }
  Fields function(fields.needed_object("function"), field + ".function");
  const std::string name = function.needed_text("name");
  function.end();
  fields.end();
  return name;
}

void read_allowed_tools(Fields& fields, const std::string& field, bool nested, ChatRequest& request) {
  std::vector<std::string> names;
  const auto mode = fields.word("mode", {"auto", "required"}).value_or("auto");
  for (const OrderedJson& tool : fields.needed_list("tools", limits::kMaxRequestTools)) {
    names.push_back(function_name(tool, fmt::format("{}.tools[{}]", field, names.size()), nested));
  }
  fields.end();
  keep_tools(request, names, field);
  request.tool_choice.mode = mode == "auto" ? ToolChoice::Mode::kAuto : ToolChoice::Mode::kRequired;
}

}  // namespace

void read_openai_sampling(Fields& fields, Generation& generation) {
  Sampling& sampling = generation.sampling;
  sampling.temperature = fields.number("temperature", 0, 2);
  sampling.top_p = fields.number("top_p", 0, 1);
  sampling.frequency_penalty = fields.number("frequency_penalty", -2, 2);
  sampling.presence_penalty = fields.number("presence_penalty", -2, 2);
  sampling.repetition_penalty = fields.number("repetition_penalty", 0.01, 100);
  if (const auto penalty = fields.number("repeat_penalty", 0.01, 100)) sampling.repetition_penalty = penalty;
  if (const auto seed = fields.integer("seed", INT64_MIN, INT64_MAX)) sampling.seed = static_cast<uint64_t>(*seed);
  read_logit_bias(fields, sampling);
  read_local_sampling(fields, sampling);
  if (const OrderedJson* ids = fields.list("stop_token_ids", limits::kMaxStopStrings)) {
    for (size_t i = 0; i < ids->size(); ++i) {
      const OrderedJson& id = (*ids)[i];
      if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > INT32_MAX) {
        refuse_field(fields.at("stop_token_ids", i), "a token's id is expected");
      }
      generation.stop_ids.push_back(id.get<int32_t>());
    }
  }
  generation.ignore_end = fields.boolean("ignore_eos").value_or(false);
  generation.priority = static_cast<int>(fields.integer("priority", -1'000'000, 1'000'000).value_or(0));
}

void read_guided(Fields& fields, Generation& generation) {
  ResponseFormat format;
  int given = 0;
  if (const OrderedJson* schema = fields.find("guided_json")) {
    if (!schema->is_object()) fields.fail("guided_json", fmt::format("expected an object, found {}", kind_of(*schema)));
    format.kind = ResponseFormat::Kind::kJsonSchema;
    format.schema = *schema;
    ++given;
  }
  if (const auto pattern = fields.text("guided_regex")) {
    format.kind = ResponseFormat::Kind::kRegex;
    format.text = *pattern;
    ++given;
  }
  if (fields.has("guided_choice")) {
    format.kind = ResponseFormat::Kind::kChoice;
    format.choices = fields.texts("guided_choice", 1024);
    ++given;
  }
  for (const char* key : {"guided_grammar", "grammar"}) {
    if (const auto grammar = fields.text(key)) {
      format.kind = ResponseFormat::Kind::kGrammar;
      format.text = *grammar;
      ++given;
    }
  }
  if (given == 0) return;
  if (given > 1 || generation.format.kind != ResponseFormat::Kind::kText) {
    refuse_field("response_format", "only one of response_format, guided_* and grammar can hold");
  }
  generation.format = std::move(format);
}

ResponseFormat read_openai_format(const OrderedJson& json, const std::string& field, bool nested) {
  Fields fields(json, field);
  ResponseFormat format;
  const auto type = fields.word("type", {"text", "json_object", "json_schema"});
  if (!type) fields.fail("type", "this field is needed");
  if (*type == "json_object") format.kind = ResponseFormat::Kind::kJsonObject;
  if (*type == "json_schema") {
    format.kind = ResponseFormat::Kind::kJsonSchema;
    const auto read = [&format](Fields& inner) {
      inner.accept({"name", "description", "strict"});  // the schema is always kept to
      format.schema = inner.needed_object("schema");
    };
    if (nested) {
      Fields inner(fields.needed_object("json_schema"), field + ".json_schema");
      read(inner);
      inner.end();
    } else {
      read(fields);
    }
  }
  fields.end();
  return format;
}

Tool read_openai_function(Fields& fields, const std::string& field) {
  std::string name = fields.needed_text("name");
  std::string description = fields.text("description").value_or("");
  const bool strict = fields.boolean("strict").value_or(false);
  return make_tool(std::move(name), std::move(description), fields.find("parameters"), strict, field);
}

void read_openai_tool_choice(const OrderedJson& json, bool nested, ChatRequest& request) {
  const std::string field = "tool_choice";
  ToolChoice& choice = request.tool_choice;
  if (json.is_string()) {
    const std::string word = json.get<std::string>();
    if (word == "none") {
      choice.mode = ToolChoice::Mode::kNone;
    } else if (word == "required") {
      choice.mode = ToolChoice::Mode::kRequired;
    } else if (word != "auto") {
      refuse_field(field, "expected auto, none, required or an object");
    }
    return;
  }
  Fields fields(json, field);
  const std::string type = fields.needed_text("type");
  if (type == "function") {
    choice.mode = ToolChoice::Mode::kFunction;
    choice.name = function_name(json, field, nested);
  } else if (type == "allowed_tools" && nested) {
    Fields inner(fields.needed_object("allowed_tools"), field + ".allowed_tools");
    fields.end();
    read_allowed_tools(inner, field + ".allowed_tools", nested, request);
  } else if (type == "allowed_tools") {
    read_allowed_tools(fields, field, nested, request);
  } else {
    fields.fail("type", "this server calls functions only");
  }
}

bool read_stream_options(Fields& fields, bool stream) {
  const OrderedJson* json = fields.object("stream_options");
  if (!json) return false;
  if (!stream) fields.fail("stream_options", "only where stream is true");
  Fields options(*json, "stream_options");
  const bool usage = options.boolean("include_usage").value_or(false);
  options.accept({"include_obfuscation", "continuous_usage_stats"});
  options.end();
  return usage;
}

Part read_openai_part(const OrderedJson& json, const std::string& field) {
  Fields fields(json, field);
  const std::string type = fields.needed_text("type");
  fields.accept({"prompt_cache_breakpoint"});
  Part part;
  if (type == "text") {
    part = text_part(fields.needed_text("text"));
  } else if (type == "refusal") {
    part = text_part(fields.needed_text("refusal"));
  } else if (type == "image_url") {
    const std::string at = field + ".image_url";
    const OrderedJson& image = fields.needed("image_url");
    if (image.is_string()) {
      part = part_of_uri(image.get_ref<const std::string&>(), at);
    } else {
      Fields inner(image, at);
      part = part_of_uri(inner.needed_text("url"), at + ".url");
      inner.accept({"detail"});
      inner.end();
    }
    if (part.kind != Part::Kind::kImage) refuse_field(at, "the data URI is no image");
  } else if (type == "input_audio") {
    Fields inner(fields.needed_object("input_audio"), field + ".input_audio");
    const std::string bytes = decoded_base64(inner.needed_text("data"), inner.at("data"));
    const auto format = inner.word("format", {"wav", "mp3", "flac", "ogg"});
    if (!format) inner.fail("format", "this field is needed");
    inner.end();
    part = part_of_bytes("audio/" + *format, bytes);
  } else if (type == "file") {
    Fields inner(fields.needed_object("file"), field + ".file");
    inner.refuse("file_id", "this server stores no files; send file_data");
    part = part_of_uri(inner.needed_text("file_data"), inner.at("file_data"));
    part.name = inner.text("filename").value_or("");
    inner.end();
  } else {
    fields.fail("type", "expected text, image_url, input_audio or file");
  }
  fields.end();
  return part;
}

}  // namespace shenbi::chat
