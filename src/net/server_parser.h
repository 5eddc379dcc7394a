#pragma once
// Bytes to one ServerRequest, strictly: what two readers of HTTP could understand differently is refused, because
// behind a proxy such a request smuggles a second one. Boost.Beast does the grammar; the rules on top are in
// server_parser.cpp.
//
//   RequestParser parser(limits);
//   input.remove_prefix(parser.read_head(input));   // again with more bytes while parser.step() is kMore
//   ... decide ...
//   input.remove_prefix(parser.read_body(input));
//
// One parser a request; not thread-safe.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/server.h"

namespace shenbi::net {

/// Why a request is not served, as it is answered.
struct Refusal {
  int status = 400;
  std::string message;
};

class RequestParser {
 public:
  RequestParser(uint64_t max_head_bytes, uint64_t max_body_bytes);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  enum class Step { kMore, kDone, kRefused };

  /// Both take every byte that came and is not consumed yet, and return how many they consumed. read_head() is done
  /// when the head is complete, read_body() (to be called at least once, also without input) when the request is.
  size_t read_head(std::string_view input);
  size_t read_body(std::string_view input);

  Step step() const noexcept;
  const Refusal& refusal() const noexcept;  ///< valid when step() is kRefused
  ServerRequest& request() noexcept;        ///< method to headers once the head is done; the body once that is

  /// All of these once the head is done.
  bool http10() const noexcept;
  bool keep_alive() const noexcept;        ///< what the client asks for
  bool expects_continue() const noexcept;  ///< it waits for "100 Continue" before it sends the body
  bool has_body() const noexcept;          ///< a body of one byte or more, or of unknown length, is announced

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Splits "/a%20b?x=1" into the decoded path and the raw query. What is wrong with it, or "" if it is well.
std::string read_target(std::string_view target, std::string& path, std::string& query);

}  // namespace shenbi::net
