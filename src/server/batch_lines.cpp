#include "server/batch_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "chat/fields.h"
#include "server/ids.h"

namespace shenbi::server {
namespace {

using chat::OrderedJson;

std::string json_text(std::string_view text) {
  return OrderedJson(sanitize_utf8(text)).dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

// "custom_id: expected a string, found a number" -> "custom_id".
std::string field_of(std::string_view message) { return std::string(message.substr(0, message.find(':'))); }

OrderedJson parse_line(std::string_view line) {
  try {
    return chat::parse_body(line);
  } catch (const Error& error) {
    throw BatchProblem{.code = "invalid_json_line", .message = error.what()};
  }
}

BatchRequest read_fields(const OrderedJson& json, std::string_view endpoint) {
  chat::Fields fields(json, "");
  for (const char* name : {"custom_id", "method", "url", "body"}) {
    if (fields.has(name)) continue;
    throw BatchProblem{
        .code = "missing_required_parameter", .message = fmt::format("{}: is missing", name), .param = name};
  }
  BatchRequest request{.custom_id = fields.needed_text("custom_id")};
  if (request.custom_id.empty() || request.custom_id.size() > limits::kMaxCustomIdBytes) {
    fields.fail("custom_id", fmt::format("needs 1 to {} bytes", limits::kMaxCustomIdBytes));
  }
  if (fields.needed_text("method") != "POST") fields.fail("method", "must be POST");
  const std::string url = fields.needed_text("url");
  if (url != endpoint) {
    throw BatchProblem{
        .code = "url_mismatch",
        .message = fmt::format("url: '{}' is not the batch's endpoint, {}", sanitize_utf8(url), endpoint),
        .param = "url"};
  }
  const OrderedJson& body = fields.needed_object("body");
  fields.end();
  if (const auto stream = body.find("stream"); stream != body.end() && *stream == true) {
    fields.fail("body.stream", "an answer in a batch comes whole");
  }
  if (const auto model = body.find("model"); model != body.end() && model->is_string()) {
    request.model = model->get<std::string>();
  }
  request.body = body.dump();
  return request;
}

}  // namespace

std::vector<BatchLine> batch_lines(std::string_view input) {
  std::vector<BatchLine> lines;
  uint32_t number = 0;
  for (size_t at = 0; at < input.size();) {
    const size_t end = std::min(input.find('\n', at), input.size());
    ++number;
    const std::string_view line = input.substr(at, end - at);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) lines.push_back({number, at, line.size()});
    at = end + 1;
  }
  return lines;
}

BatchRequest parse_batch_line(std::string_view line, std::string_view endpoint) {
  const OrderedJson json = parse_line(line);
  try {
    return read_fields(json, endpoint);
  } catch (const Error& error) {
    throw BatchProblem{.code = "invalid_parameter", .message = error.what(), .param = field_of(error.what())};
  }
}

BatchInput check_batch_input(std::string_view input, std::string_view endpoint) {
  BatchInput checked{.lines = batch_lines(input), .problems = {}, .model = {}};
  if (checked.lines.empty()) {
    checked.problems.push_back({.code = "empty_file", .message = "the input file has no line"});
  } else if (checked.lines.size() > limits::kMaxBatchLines) {
    checked.problems.push_back({.code = "too_many_tasks",
                                .message = fmt::format("the input file has {} lines, at most {} are taken",
                                                       checked.lines.size(), limits::kMaxBatchLines)});
  }
  if (!checked.problems.empty()) return checked;
  std::set<std::string, std::less<>> seen;
  std::set<std::string> models;
  for (const BatchLine& line : checked.lines) {
    if (checked.problems.size() == limits::kMaxBatchErrors) break;
    try {
      const BatchRequest request = parse_batch_line(input.substr(line.offset, line.bytes), endpoint);
      const std::string& id = request.custom_id;
      if (models.size() < 2) models.insert(request.model);
      if (!seen.insert(id).second) {
        throw BatchProblem{.code = "duplicate_custom_id",
                           .message = fmt::format("custom_id: '{}' was used by an earlier line", id),
                           .param = "custom_id"};
      }
    } catch (BatchProblem& problem) {
      problem.line = line.number;
      checked.problems.push_back(std::move(problem));
    }
  }
  if (models.size() == 1) checked.model = *models.begin();
  return checked;
}

BatchUsage usage_of_answer(std::string_view body) {
  const OrderedJson json = OrderedJson::parse(body, nullptr, false);
  const auto usage = json.is_object() ? json.find("usage") : json.end();
  if (!json.is_object() || usage == json.end() || !usage->is_object()) return {};
  const auto number = [](const OrderedJson& object, const char* name) -> int64_t {
    const auto found = object.find(name);
    return found != object.end() && found->is_number_unsigned() ? found->get<int64_t>() : 0;
  };
  const auto detail = [&](const char* group, const char* name) -> int64_t {
    const auto found = usage->find(group);
    return found != usage->end() && found->is_object() ? number(*found, name) : 0;
  };
  // Responses say input and output, the other endpoints prompt and completion.
  return {.input_tokens = number(*usage, "input_tokens") + number(*usage, "prompt_tokens"),
          .cached_tokens =
              detail("input_tokens_details", "cached_tokens") + detail("prompt_tokens_details", "cached_tokens"),
          .output_tokens = number(*usage, "output_tokens") + number(*usage, "completion_tokens"),
          .reasoning_tokens = detail("output_tokens_details", "reasoning_tokens") +
                              detail("completion_tokens_details", "reasoning_tokens")};
}

std::string answered_line(std::string_view custom_id, int status, std::string_view request_id, std::string_view body) {
  // Inside JSON's strings a line end is written \n, so one that stands there as such is only space between words.
  std::string flat(body);
  std::replace_if(flat.begin(), flat.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return fmt::format(
      R"({{"id":"batch_req_{}","custom_id":{},"response":{{"status_code":{},"request_id":{},"body":{}}},)"
      "\"error\":null}}\n",
      random_text(24), json_text(custom_id), status, json_text(request_id), flat);
}

std::string unanswered_line(std::string_view custom_id, std::string_view code, std::string_view message) {
  return fmt::format(R"({{"id":"batch_req_{}","custom_id":{},"response":null,"error":{{"code":{},"message":{}}}}})"
                     "\n",
                     random_text(24), json_text(custom_id), json_text(code), json_text(message));
}

}  // namespace shenbi::server
