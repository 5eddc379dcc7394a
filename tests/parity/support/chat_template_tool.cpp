// Renders chat templates for the parity scripts: one JSON request a line on stdin, one JSON answer a line on stdout.
//
//   {"template": "...", "input": {"messages": [...]}, "now": 1700000000}  ->  {"output": "..."} or {"error": "...",
//   "code": "..."}

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "chat/template.h"

namespace {

using Json = nlohmann::ordered_json;

Json answer(const Json& request) {
  try {
    shenbi::chat::RenderOptions options;
    if (request.contains("now")) options.now = std::chrono::system_clock::from_time_t(request["now"].get<int64_t>());
    const auto chat = shenbi::chat::ChatTemplate::parse(request["template"].get<std::string>(), "template");
    return {{"output", chat.render(request["input"], options)}};
  } catch (const shenbi::Error& error) {
    return {{"error", error.what()}, {"code", shenbi::code_info(error.code()).name}};
  }
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << answer(Json::parse(line)).dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
  }
}
