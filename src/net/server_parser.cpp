// Strict reading of one request. The head is looked through byte by byte first (line ends, control characters, folded
// lines), because a lenient line reader is where smuggling begins; then Boost.Beast parses it in one piece, and the
// lengths are held to RFC 9112, section 6: one Content-Length of digits alone, or exactly "Transfer-Encoding: chunked",
// never both. The chunked body is Beast's; its bounds are ours.

#include "net/server_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include "base/limits.h"

namespace shenbi::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

bool is_token_start(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

bool equal_ignoring_case(std::string_view a, std::string_view lower) noexcept {
  return std::ranges::equal(a, lower, {}, [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
}

// host [":" port] of RFC 3986, loosely: letters, digits and what names, IPv6 brackets and escapes need.
bool is_host(std::string_view value) noexcept {
  return std::ranges::all_of(value, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && std::string_view("-._~:[]%").find(c) != std::string_view::npos);
  });
}

// A chunked body that is not complete lacks at least "0\r\n\r\n"; Beast 1.81 asserts as much of what it is given.
constexpr size_t kLeastChunkedBytes = 5;

// What is wrong with the bytes of a head, seen one after the other. A head ends at its first empty line.
struct HeadScan {
  size_t at = 0;  // everything before was looked at
  size_t line_begin = 0;
  size_t end = 0;  // just behind the empty line, once it was seen

  const char* scan(std::string_view input, size_t limit) {
    for (const size_t stop = std::min(input.size(), limit); at < stop; ++at) {
      const char c = input[at];
      const char before = at > 0 ? input[at - 1] : '\0';
      if (before == '\r' && c != '\n') return "a line holds a CR that ends nothing";
      if (c == '\n') {
        if (before != '\r') return "a line ends in LF without CR";
        const std::string_view line = input.substr(line_begin, at - 1 - line_begin);
        if (line_begin == 0 && !line.ends_with(" HTTP/1.1") && !line.ends_with(" HTTP/1.0"))
          return "the first line does not end in HTTP/1.1";
        line_begin = at + 1;
        if (line.empty()) {
          end = ++at;
          return nullptr;
        }
      } else if (at == line_begin && (c == ' ' || c == '\t')) {
        return "a line begins with a space";
      } else if ((static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r') || c == 0x7F) {
        return "the head holds a control character";
      }
    }
    return nullptr;
  }
};

}  // namespace

struct RequestParser::Impl final : http::basic_parser<true> {
  Impl(uint64_t max_head_bytes, uint64_t max_body_bytes) : max_head(max_head_bytes), max_body(max_body_bytes) {
    header_limit(static_cast<uint32_t>(std::min<uint64_t>(max_head_bytes, UINT32_MAX)));
    body_limit(boost::none);  // judged after the head was, so that the door-keeper speaks first
  }

  const uint64_t max_head, max_body;
  HeadScan head;
  Step step = Step::kMore;
  Refusal refusal;
  ServerRequest request;
  bool http10 = false, skipped_empty_line = false, in_body = false;
  bool expects_continue = false, has_length = false, has_encoding = false, unknown_expectation = false;
  int hosts = 0;

  void refuse(int status, std::string message) {
    if (step == Step::kRefused) return;
    step = Step::kRefused;
    refusal = {status, std::move(message)};
  }

  // Beast stops at this code; what matters is already in `refusal`.
  void refuse(error_code& ec, int status, std::string message) {
    refuse(status, std::move(message));
    ec = http::error::bad_field;
  }

  void on_request_impl(http::verb, string_view method, string_view target, int version, error_code& ec) override {
    request.method = std::string(method);
    http10 = version == 10;
    if (std::string problem = read_target(std::string_view(target.data(), target.size()), request.path, request.query);
        !problem.empty())
      refuse(ec, 400, std::move(problem));
  }

  void on_field_impl(http::field field, string_view name, string_view text, error_code& ec) override {
    if (in_body) return;  // trailers: read over, nobody asks for them
    if (request.headers.size() == limits::kMaxHttpHeaders)
      return refuse(ec, 431, fmt::format("more than {} header fields", limits::kMaxHttpHeaders));
    const std::string_view value(text.data(), text.size());
    switch (field) {
      case http::field::content_length:
        if (has_length || value.empty() || !std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; }))
          return refuse(ec, 400, "content-length must be there once, as digits");
        has_length = true;
        break;
      case http::field::transfer_encoding:
        if (has_encoding || !equal_ignoring_case(value, "chunked"))
          return refuse(ec, 400, "transfer-encoding must be 'chunked' alone");
        has_encoding = true;
        break;
      case http::field::host:
        if (++hosts > 1 || !is_host(value)) return refuse(ec, 400, "host must be there once, as a name and a port");
        break;
      case http::field::expect:
        expects_continue = equal_ignoring_case(value, "100-continue");
        unknown_expectation |= !expects_continue;
        break;
      default:
        break;
    }
    std::string lower(name);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    request.headers.emplace_back(std::move(lower), std::string(value));
  }

  void on_header_impl(error_code& ec) override {
    if (has_length && has_encoding) refuse(ec, 400, "content-length and transfer-encoding together");
    if (!http10 && hosts == 0) refuse(ec, 400, "host is missing");
    if (http10 && has_encoding) refuse(ec, 400, "HTTP/1.0 knows no transfer-encoding");
    if (unknown_expectation) refuse(ec, 417, "only 100-continue can be expected");
  }

  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}

  size_t take(string_view bytes, error_code& ec) {
    if (bytes.size() > max_body - request.body.size()) {
      refuse(ec, 413, fmt::format("the body is longer than {} bytes", max_body));
      return 0;
    }
    request.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  size_t on_body_impl(string_view bytes, error_code& ec) override { return take(bytes, ec); }
  size_t on_chunk_body_impl(uint64_t, string_view bytes, error_code& ec) override { return take(bytes, ec); }
  void on_chunk_header_impl(uint64_t size, string_view, error_code& ec) override {
    if (size > max_body - request.body.size())
      refuse(ec, 413, fmt::format("the body is longer than {} bytes", max_body));
  }
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  size_t read_head(std::string_view input) {
    size_t skipped = 0;
    if (head.at == 0) {
      // RFC 9112, section 2.2: an empty line before the request line is passed over; one, or the head has no bound.
      if (!skipped_empty_line && input.starts_with("\r\n")) {
        skipped_empty_line = true;
        skipped = 2;
        input.remove_prefix(2);
      }
      if (input.empty() || (input == "\r" && !skipped_empty_line)) return skipped;
      if (!is_token_start(input.front())) {
        refuse(400, "this is not an HTTP request");
        return skipped;
      }
    }
    if (const char* problem = head.scan(input, max_head)) {
      refuse(400, problem);
    } else if (head.end == 0) {
      if (head.at >= max_head) refuse(431, fmt::format("the head is longer than {} bytes", max_head));
    } else {
      parse_head(input.substr(0, head.end));
      return skipped + head.end;
    }
    return skipped;
  }

  void parse_head(std::string_view bytes) {
    error_code ec;
    const size_t used = put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
    if (ec || used != bytes.size() || !is_header_done())
      return refuse(400, ec ? ec.message() : "the head is malformed");
    step = Step::kDone;
  }

  size_t read_body(std::string_view input) {
    if (!in_body) {
      in_body = true;
      step = Step::kMore;
      if (const auto length = content_length(); length && *length > max_body) {
        refuse(413, fmt::format("the body has {} bytes, the limit is {}", *length, max_body));
        return 0;
      }
    }
    size_t used = 0;
    const size_t least = chunked() ? kLeastChunkedBytes : 1;
    while (step == Step::kMore && !is_done() && input.size() - used >= least) {
      const std::string_view left = input.substr(used);
      const size_t body_before = request.body.size();
      error_code ec;
      const size_t taken = put(boost::asio::const_buffer(left.data(), left.size()), ec);
      used += taken;
      // What is no body is a chunk's line or the trailer: judged by its length, whether it came at once or not.
      const bool more = ec == http::error::need_more;
      const size_t line = more ? left.size() - taken : taken - (request.body.size() - body_before);
      if (line > limits::kMaxChunkLineBytes)
        refuse(400, "a chunk's line or the trailer is too long");
      else if (ec && !more)
        refuse(400, ec.message());
      if (more) break;
    }
    if (step == Step::kMore && is_done()) step = Step::kDone;
    return used;
  }
};

RequestParser::RequestParser(uint64_t max_head_bytes, uint64_t max_body_bytes)
    : impl_(std::make_unique<Impl>(max_head_bytes, max_body_bytes)) {}
RequestParser::~RequestParser() = default;

size_t RequestParser::read_head(std::string_view input) { return impl_->read_head(input); }
size_t RequestParser::read_body(std::string_view input) { return impl_->read_body(input); }
RequestParser::Step RequestParser::step() const noexcept { return impl_->step; }
const Refusal& RequestParser::refusal() const noexcept { return impl_->refusal; }
ServerRequest& RequestParser::request() noexcept { return impl_->request; }
bool RequestParser::http10() const noexcept { return impl_->http10; }
bool RequestParser::keep_alive() const noexcept { return impl_->keep_alive(); }
bool RequestParser::expects_continue() const noexcept { return impl_->expects_continue; }
bool RequestParser::has_body() const noexcept { return !impl_->is_done(); }

}  // namespace shenbi::net
