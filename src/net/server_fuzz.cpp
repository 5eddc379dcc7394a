// Any bytes on a connection. The first byte says how many follow as a plan; the rest is what the client sends, cut into
// pieces as the plan says. Held: every request that is handed on keeps the promises of ServerRequest; the same bytes in
// one piece give the same requests and the same statuses; and a maker that answers late, twice or never does no harm.

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "net/server_conversation.h"

namespace {

using namespace shenbi;
using namespace shenbi::net;

void require(bool held) {
  if (!held) std::abort();
}

void check_request(const ServerRequest& request, const ServerOptions& options) {
  const std::string path = request.path + "/";
  require(request.path.starts_with('/') && is_valid_utf8(request.path));
  for (const char* bad : {"/../", "/./", "\\", "\r", "\n"}) require(path.find(bad) == std::string::npos);
  require(request.path.find("//") == std::string::npos && request.path.find('\0') == std::string::npos);
  require(request.body.size() <= options.max_body_bytes && request.headers.size() <= limits::kMaxHttpHeaders);
  for (const auto& [name, value] : request.headers) {
    require(!name.empty() && std::ranges::none_of(name, [](char c) { return c >= 'A' && c <= 'Z'; }));
    require(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
  require(request.header("content-length").empty() || request.header("transfer-encoding").empty());
  (void)request.parameter("x");
}

// One connection driven to its end.
struct Run {
  explicit Run(bool late) : late(late) {
    shared.options.max_body_bytes = 1 << 16;
    shared.options.max_head_bytes = 1 << 12;
    shared.options.max_queued_bytes = 1 << 12;
    shared.admit = [](const ServerRequest& request) -> std::optional<ServerResponse> {
      require(request.body.empty());
      if (request.path == "/no") return ServerResponse{401, {}, "no"};
      return std::nullopt;
    };
    shared.handle = [this](ServerRequest request, ExchangePtr exchange) {
      check_request(request, shared.options);
      requests.push_back(request.method + " " + request.path + " " + request.query + " " + request.body);
      if (this->late) {
        exchange->on_gone([this] { ++gone; });
        waiting.push_back(std::move(exchange));
      } else if (request.path == "/stream") {
        exchange->begin(200, {{"X-Echo", request.query}}, ": ping\n\n");
        exchange->write(request.body);
        exchange->end();
      } else if (request.path == "/throw") {
        throw Error(Code::kNotFound, request.query);
      } else if (request.path != "/drop") {
        exchange->send({200, {{"X-Echo", request.query}}, request.body});
      }
    };
  }

  void drain() {
    std::string batch;
    while (!over) {
      switch (talk.next(batch)) {
        case Conversation::Next::kWait:
          return;
        case Conversation::Next::kSend:
          require(!batch.empty());
          output += batch;
          talk.sent();
          break;
        default:
          over = true;
      }
    }
  }

  void receive(std::string_view bytes) {
    if (!over && talk.wants_input()) talk.receive(bytes);
    drain();
  }

  // What a maker, or time, may do next.
  void act(uint8_t what) {
    if (what >= 250) talk.time_out();
    if (what >= 240) talk.beat();
    if (!waiting.empty()) {
      const ExchangePtr& front = waiting.front();
      switch (what % 8) {
        case 0:
          front->send({200, {}, "late"});
          break;
        case 1:
          front->begin(200, {}, "beat");
          break;
        case 2:
          front->write("some bytes");
          break;
        case 3:
          front->write(std::string(5000, 'x'));
          break;
        case 4:
          front->end();
          break;
        case 5:
          waiting.pop_front();
          break;
        default:
          break;
      }
    }
    drain();
  }

  // "HTTP/1.1 200 ..." of every answer but 100 Continue, which depends on what has come when.
  std::vector<std::string> statuses() const {
    std::vector<std::string> out;
    for (size_t at = output.find("HTTP/1.1 "); at != std::string::npos; at = output.find("HTTP/1.1 ", at + 1)) {
      if (output.compare(at + 9, 3, "100") != 0) out.push_back(output.substr(at, 12));
    }
    return out;
  }

  const bool late;
  bool over = false;
  int gone = 0;
  std::vector<std::string> requests;
  std::deque<ExchangePtr> waiting;
  std::string output;
  ServerShared shared;
  const Line line{.wake = std::make_shared<const std::function<void()>>([] {})};
  Conversation talk{shared, "127.0.0.1", line};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::span<const uint8_t> plan(data + 1, std::min<size_t>(data[0] % 64, size - 1));
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1 + plan.size(), size - 1 - plan.size());

  Run whole(false), pieces(false), late(true);
  whole.receive(bytes);
  for (size_t at = 0, step = 0; at < bytes.size(); ++step) {
    const uint8_t what = plan.empty() ? 0 : plan[step % plan.size()];
    const std::string_view piece = bytes.substr(at, 1 + what % 50);
    at += piece.size();
    pieces.receive(piece);
    late.receive(piece);
    late.act(what);
  }
  require(whole.requests == pieces.requests);
  require(whole.statuses() == pieces.statuses());
  require(whole.over == pieces.over);
  for (const uint8_t what : plan) late.act(what);
  if (late.talk.wants_input()) late.talk.end_of_input();
  late.drain();
  return 0;
}
