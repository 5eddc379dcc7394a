#pragma once
// The JSONL of batches: lines of requests in, lines of answers out.
//
//   {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {...}}
//   {"id": "batch_req_...", "custom_id": "a", "response": {"status_code", "request_id", "body"}, "error": null}
//
// Only the frame of a line is judged here; its body is judged by the route that answers it, when it is run.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shenbi::server {

/// Where one request stands in the input. Blank lines are none.
struct BatchLine {
  uint32_t number = 0;  ///< counted from 1, blank lines included
  uint64_t offset = 0, bytes = 0;
};
std::vector<BatchLine> batch_lines(std::string_view input);

struct BatchRequest {
  std::string custom_id;
  std::string body;   ///< JSON
  std::string model;  ///< as the body names it; "" if it does not
};
/// Throws BatchProblem.
BatchRequest parse_batch_line(std::string_view line, std::string_view endpoint);

/// What is wrong with a line, in OpenAI's words: invalid_json_line, missing_required_parameter, invalid_parameter,
/// url_mismatch, duplicate_custom_id, empty_file, too_many_tasks.
struct BatchProblem {
  std::string code, message, param;
  uint32_t line = 0;  ///< 0: the whole file
};

/// The whole input: its lines, and what is wrong with them (at most limits::kMaxBatchErrors of it are named).
struct BatchInput {
  std::vector<BatchLine> lines;
  std::vector<BatchProblem> problems;
  std::string model;  ///< that every line asks; "" if they ask several
};
BatchInput check_batch_input(std::string_view input, std::string_view endpoint);

/// What the answer to a line has cost.
struct BatchUsage {
  int64_t input_tokens = 0, cached_tokens = 0, output_tokens = 0, reasoning_tokens = 0;
};
/// The "usage" of an answer's body, in the words of any endpoint of batches; nothing where it has none, as errors.
BatchUsage usage_of_answer(std::string_view body);

/// One line of an output, line end included. `body`: JSON.
std::string answered_line(std::string_view custom_id, int status, std::string_view request_id, std::string_view body);
/// For a request that was never answered.
std::string unanswered_line(std::string_view custom_id, std::string_view code, std::string_view message);

}  // namespace shenbi::server
