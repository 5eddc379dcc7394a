// Google's generateContent: the request. Names are read in camelCase and in snake_case, as Google's server does.
//
// | accepted without effect                       | why                                                           |
// |-----------------------------------------------|---------------------------------------------------------------|
// | safetySettings                                | nothing is filtered                                           |
// | labels, store, serviceTier                    | whom it is for; nothing is stored; there is one               |
// | functionDeclarations[].response, behavior     | what comes back is the caller's affair                        |
// | functionCallingConfig.mode VALIDATED          | as AUTO: where a call is constrained, it is by its schema     |
// | responseModalities TEXT, partMetadata         | answers are text                                              |
//
// | refused                                       | why                                                           |
// |-----------------------------------------------|---------------------------------------------------------------|
// | cachedContent, fileData                       | nothing is stored, no parser opens a connection               |
// | googleSearch, codeExecution and other tools   | this server runs no tools                                     |
// | speechConfig, imageConfig, mediaResolution, audioTimestamp, enableEnhancedCivicAnswers | this route gives text |
//
// Calls without an id are numbered; answers without one go to the oldest open call of their name.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <deque>

#include "base/limits.h"
#include "chat/dialect_gemini.h"
#include "chat/dialects/request_parts.h"

namespace shenbi::chat {
namespace {

constexpr std::string_view kNotStored = "this server stores nothing and opens no addresses; send inlineData";
constexpr std::string_view kNoTools = "this server runs no tools of its own";

// The same object with snake_case keys as camelCase; what lies deeper (schemas, arguments) keeps its names.
OrderedJson camel(const OrderedJson& json, const std::string& field) {
  if (!json.is_object()) refuse_field(field, fmt::format("expected an object, found {}", kind_of(json)));
  OrderedJson out = OrderedJson::object();
  for (const auto& [key, value] : json.items()) {
    std::string name;
    for (size_t i = 0; i < key.size(); ++i) {
      if (key[i] == '_' && i > 0 && i + 1 < key.size() && std::islower(static_cast<unsigned char>(key[i + 1]))) {
        name += static_cast<char>(key[++i] - 'a' + 'A');
      } else {
        name += key[i];
      }
    }
    if (out.contains(name)) refuse_field(field, fmt::format("\"{}\" stands twice", name.substr(0, 64)));
    out[name] = value;
  }
  return out;
}

// Counts are 64-bit numbers, which Google's JSON writes as strings.
bool is_count(std::string_view key) {
  return key == "minLength" || key == "maxLength" || key == "minItems" || key == "maxItems" || key == "minProperties" ||
         key == "maxProperties";
}

// Google's Schema is JSON Schema with types in capitals and "nullable".
OrderedJson json_schema(const OrderedJson& schema) {
  if (schema.is_array()) {
    OrderedJson list = OrderedJson::array();
    for (const OrderedJson& one : schema) list.push_back(json_schema(one));
    return list;
  }
  if (!schema.is_object()) return schema;
  OrderedJson out = OrderedJson::object();
  bool nullable = false;
  const OrderedJson named = camel(schema, "schema");
  for (const auto& [key, value] : named.items()) {
    if (key == "type" && value.is_string()) {
      std::string type = value.get<std::string>();
      std::transform(type.begin(), type.end(), type.begin(), [](unsigned char c) { return std::tolower(c); });
      out["type"] = type;
    } else if (key == "nullable" && value.is_boolean()) {
      nullable = value.get<bool>();
    } else if (key == "propertyOrdering" || (key == "format" && value == "enum")) {
      continue;  // the order of the properties as they are written is kept; "enum" says what the key enum says
    } else if (is_count(key) && value.is_string()) {
      const std::string text = value.get<std::string>();
      uint64_t count = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
      if (error != std::errc() || end != text.data() + text.size())
        refuse_field("schema." + key, "expected a whole number");
      out[key] = count;
    } else if (key == "anyOf" || key == "items" || key == "prefixItems") {
      out[key] = json_schema(value);
    } else if ((key == "properties" || key == "$defs" || key == "defs") && value.is_object()) {
      OrderedJson& properties = out[key] = OrderedJson::object();
      for (const auto& [name, property] : value.items()) properties[name] = json_schema(property);
    } else {
      out[key] = value;
    }
  }
  if (nullable && out.contains("type")) out["type"] = OrderedJson::array({out["type"], "null"});
  return out;
}

class CallIds {
 public:
  std::string begin(const std::string& id, const std::string& name) {
    open_.push_back({id.empty() ? fmt::format("call_{}", next_++) : id, name});
    return open_.back().first;
  }
  std::string answer(const std::string& id, const std::string& name, const std::string& field) {
    const auto call = std::find_if(open_.begin(), open_.end(),
                                   [&](const auto& one) { return id.empty() ? one.second == name : one.first == id; });
    if (call == open_.end()) refuse_field(field, "a function answers, but no such call waits for it");
    const std::string found = call->first;
    open_.erase(call);
    return found;
  }

 private:
  std::deque<std::pair<std::string, std::string>> open_;
  int next_ = 0;
};

// One content of Google's may hold calls, answers and text; answers become messages of their own.
class ContentReader {
 public:
  explicit ContentReader(std::vector<Message>& messages) : messages_(messages) {}

  void read(const OrderedJson& given, const std::string& field, bool system) {
    const OrderedJson json = camel(given, field);
    Fields content(json, field);
    const auto role = content.word("role", {"user", "model", "function", "system"});
    message_ = Message{.role = system ? Role::kSystem : role == "model" ? Role::kAssistant : Role::kUser};
    const OrderedJson& parts = content.needed_list("parts");
    for (size_t i = 0; i < parts.size(); ++i) part(parts[i], content.at("parts", i));
    content.end();
    flush();
  }

 private:
  void flush() {
    const Role role = message_.role;
    if (!message_.parts.empty() || !message_.tool_calls.empty()) messages_.push_back(std::move(message_));
    message_ = Message{.role = role};
  }

  void part(const OrderedJson& given, const std::string& field) {
    const OrderedJson json = camel(given, field);
    Fields part(json, field);
    const bool thought = part.boolean("thought").value_or(false);
    const std::string signature = part.text("thoughtSignature").value_or("");
    part.accept({"partMetadata"});
    part.refuse("fileData", kNotStored);
    for (const char* key : {"executableCode", "codeExecutionResult", "toolCall", "toolResponse"})
      part.refuse(key, kNoTools);
    part.refuse("videoMetadata", "this server reads no video");
    part.refuse("mediaResolution", "this server reads media as they are");
    if (const auto text = part.text("text")) {
      if (!thought && !signature.empty()) message_.parts.push_back(thinking_part("", signature));
      message_.parts.push_back(thought ? thinking_part(*text, signature) : text_part(*text));
    } else if (const OrderedJson* data = part.object("inlineData")) {
      const OrderedJson inner = camel(*data, field + ".inlineData");
      Fields blob(inner, field + ".inlineData");
      const std::string mime = blob.needed_text("mimeType");
      Part media = part_of_bytes(mime, decoded_base64(blob.needed_text("data"), blob.at("data")));
      media.name = blob.text("displayName").value_or("");
      blob.end();
      message_.parts.push_back(std::move(media));
    } else if (const OrderedJson* call = part.object("functionCall")) {
      read_call(*call, field + ".functionCall", signature);
    } else if (const OrderedJson* response = part.object("functionResponse")) {
      read_response(*response, field + ".functionResponse");
    } else {
      refuse_field(field, "expected text, inlineData, functionCall or functionResponse");
    }
    part.end();
  }

  void read_call(const OrderedJson& given, const std::string& field, const std::string& signature) {
    const OrderedJson json = camel(given, field);
    Fields call(json, field);
    if (message_.role != Role::kAssistant) refuse_field(field, "only the model calls functions");
    // The signature belongs to the thinking that led to the call; it must travel back with it.
    if (!signature.empty()) message_.parts.push_back(thinking_part("", signature));
    const std::string name = checked_name(call.needed_text("name"), field + ".name");
    const OrderedJson* arguments = call.object("args");
    const std::string id = ids_.begin(call.text("id").value_or(""), name);
    message_.tool_calls.push_back({id, name, arguments ? dumped(*arguments) : "{}"});
    call.end();
  }

  void read_response(const OrderedJson& given, const std::string& field) {
    const OrderedJson json = camel(given, field);
    Fields response(json, field);
    flush();
    Message result{.role = Role::kTool};
    result.name = response.needed_text("name");
    result.tool_call_id = ids_.answer(response.text("id").value_or(""), result.name, field);
    result.parts.push_back(text_part(dumped(response.needed_object("response"))));
    response.refuse("parts", "this server takes a function's answer as JSON");
    response.accept({"willContinue", "scheduling"});
    response.end();
    messages_.push_back(std::move(result));
  }

  std::vector<Message>& messages_;
  Message message_;
  CallIds ids_;
};

void read_gemini_tools(Fields& fields, ChatRequest& request) {
  const OrderedJson* tools = fields.list("tools", limits::kMaxRequestTools);
  for (size_t i = 0; tools && i < tools->size(); ++i) {
    const std::string field = fields.at("tools", i);
    const OrderedJson json = camel((*tools)[i], field);
    Fields tool(json, field);
    const OrderedJson* functions = tool.list("functionDeclarations", limits::kMaxRequestTools);
    for (size_t j = 0; functions && j < functions->size(); ++j) {
      const std::string at = tool.at("functionDeclarations", j);
      const OrderedJson inner = camel((*functions)[j], at);
      Fields function(inner, at);
      std::string name = function.needed_text("name");
      std::string description = function.text("description").value_or("");
      const OrderedJson* own = function.object("parameters");
      const OrderedJson* plain = function.find("parametersJsonSchema");
      if (own && plain) function.fail("parameters", "not beside parametersJsonSchema");
      const OrderedJson converted = own ? json_schema(*own) : OrderedJson();
      add_tool(request, make_tool(std::move(name), std::move(description), own ? &converted : plain, false, at), at);
      function.accept({"response", "responseJsonSchema", "behavior"});
      function.end();
    }
    for (const auto& [key, value] : json.items()) {
      if (key != "functionDeclarations") tool.refuse(key, kNoTools);
    }
    tool.end();
  }
}

void read_tool_config(Fields& fields, ChatRequest& request) {
  const OrderedJson* given = fields.object("toolConfig");
  if (!given) return;
  const OrderedJson json = camel(*given, "toolConfig");
  Fields config(json, "toolConfig");
  config.refuse("retrievalConfig", kNoTools);
  if (const OrderedJson* calling = config.object("functionCallingConfig")) {
    const std::string field = "toolConfig.functionCallingConfig";
    const OrderedJson inner = camel(*calling, field);
    Fields functions(inner, field);
    const auto mode = functions.word("mode", {"MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"});
    const std::vector<std::string> names = functions.texts("allowedFunctionNames", limits::kMaxRequestTools);
    functions.accept({"streamFunctionCallArguments"});
    functions.end();
    if (!names.empty()) keep_tools(request, names, field + ".allowedFunctionNames");
    if (mode == "NONE") request.tool_choice.mode = ToolChoice::Mode::kNone;
    if (mode == "ANY") request.tool_choice.mode = ToolChoice::Mode::kRequired;
    if (mode == "ANY" && names.size() == 1) request.tool_choice = {ToolChoice::Mode::kFunction, names[0]};
  }
  config.end();
}

void read_thinking(Fields& fields, GeminiGenerate& call) {
  const OrderedJson* given = fields.object("thinkingConfig");
  if (!given) return;
  const std::string field = "generationConfig.thinkingConfig";
  const OrderedJson json = camel(*given, field);
  Fields thinking(json, field);
  call.include_thoughts = thinking.boolean("includeThoughts").value_or(false);
  // -1: as much as the model likes.
  const auto budget = thinking.integer("thinkingBudget", -1, limits::kMaxContext);
  if (budget && *budget >= 0) call.request.thinking = *budget > 0;
  if (budget && *budget > 0) call.request.thinking_budget = static_cast<uint64_t>(*budget);
  const auto level = thinking.word("thinkingLevel", {"THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH",
                                                     "minimal", "low", "medium", "high"});
  if (level && *level != "THINKING_LEVEL_UNSPECIFIED") {
    std::string word = *level;
    std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
    set_effort(call.request, word);
  }
  thinking.end();
}

void read_format(Fields& config, ChatRequest& request) {
  const auto type = config.text("responseMimeType").value_or("text/plain");
  const OrderedJson* own = config.object("responseSchema");
  const OrderedJson* plain = config.object("responseJsonSchema");
  if (own && plain) config.fail("responseSchema", "not beside responseJsonSchema");
  if (type == "application/json") {
    request.format.kind = own || plain ? ResponseFormat::Kind::kJsonSchema : ResponseFormat::Kind::kJsonObject;
    if (own) request.format.schema = json_schema(*own);
    if (plain) request.format.schema = *plain;
  } else if (type == "text/x.enum" && own && own->contains("enum")) {
    request.format.kind = ResponseFormat::Kind::kChoice;
    Fields schema(*own, "generationConfig.responseSchema");
    request.format.choices = schema.texts("enum", 1024);
  } else if (type != "text/plain") {
    config.fail("responseMimeType", "expected text/plain, application/json or text/x.enum with a schema");
  } else if (own || plain) {
    config.fail("responseMimeType", "a schema needs application/json");
  }
}

void read_config(Fields& fields, GeminiGenerate& call) {
  const OrderedJson* given = fields.object("generationConfig");
  if (!given) return;
  const OrderedJson json = camel(*given, "generationConfig");
  Fields config(json, "generationConfig");
  ChatRequest& request = call.request;
  Sampling& sampling = request.sampling;
  sampling.temperature = config.number("temperature", 0, 2);
  sampling.top_p = config.number("topP", 0, 1);
  sampling.top_k = config.integer("topK", 0, 1 << 24);
  sampling.presence_penalty = config.number("presencePenalty", -2, 2);
  sampling.frequency_penalty = config.number("frequencyPenalty", -2, 2);
  if (const auto seed = config.integer("seed", INT64_MIN, INT64_MAX)) sampling.seed = static_cast<uint64_t>(*seed);
  call.n = static_cast<uint32_t>(config.integer("candidateCount", 1, limits::kMaxChoices).value_or(1));
  if (const auto most = config.integer("maxOutputTokens", 1, limits::kMaxContext)) request.max_tokens = *most;
  set_stop(request, config.texts("stopSequences", limits::kMaxStopStrings), "generationConfig.stopSequences");
  request.logprobs = config.boolean("responseLogprobs").value_or(false);
  const auto top = config.integer("logprobs", 0, 20);
  if (top && *top > 0 && !request.logprobs) config.fail("logprobs", "only where responseLogprobs is true");
  request.top_logprobs = static_cast<uint32_t>(top.value_or(0));
  read_format(config, request);
  read_thinking(config, call);
  for (const std::string& modality : config.texts("responseModalities", 8)) {
    if (modality != "TEXT") config.fail("responseModalities", "this server answers in text");
  }
  for (const char* key : {"speechConfig", "imageConfig", "mediaResolution", "audioTimestamp",
                          "enableEnhancedCivicAnswers", "routingConfig", "modelSelectionConfig", "responseFormat"}) {
    config.refuse(key, "this server has no such thing");
  }
  config.end();
}

GeminiGenerate read_request(const OrderedJson& given, const std::string& path, std::string_view model, bool stream,
                            bool sse) {
  const OrderedJson json = camel(given, path.empty() ? "body" : path);
  Fields fields(json, path);
  GeminiGenerate call;
  call.stream = stream;
  call.sse = sse;
  call.include_thoughts = false;  // Google's default
  ChatRequest& request = call.request;
  request.model = model;
  ContentReader reader(request.messages);
  if (const OrderedJson* system = fields.find("systemInstruction")) {
    if (system->is_string()) {
      request.messages.push_back(Message{.role = Role::kSystem});
      request.messages.back().parts.push_back(text_part(system->get<std::string>()));
    } else {
      reader.read(*system, fields.at("systemInstruction"), true);
    }
  }
  const OrderedJson& contents = fields.needed_list("contents", limits::kMaxRequestMessages);
  for (size_t i = 0; i < contents.size(); ++i) reader.read(contents[i], fields.at("contents", i), false);
  request.continue_last = !request.messages.empty() && request.messages.back().role == Role::kAssistant &&
                          request.messages.back().tool_calls.empty();
  read_gemini_tools(fields, request);
  read_tool_config(fields, request);
  read_config(fields, call);
  fields.refuse("cachedContent", kNotStored);
  fields.accept({"safetySettings", "labels", "store", "serviceTier", "model"});
  fields.end();
  check_request(request, fields.at("contents"));
  return call;
}

}  // namespace

GeminiGenerate parse_gemini_generate(std::string_view body, std::string_view model, bool stream, bool sse) {
  return read_request(parse_body(body), "", model, stream, sse);
}

GeminiGenerate parse_gemini_count(std::string_view body, std::string_view model) {
  const OrderedJson given = parse_body(body);
  const OrderedJson json = camel(given, "body");
  Fields fields(json, "");
  const OrderedJson* whole = fields.object("generateContentRequest");
  if (!whole) return read_request(json, "", model, false, true);
  fields.end();
  return read_request(*whole, "generateContentRequest", model, false, true);
}

}  // namespace shenbi::chat
