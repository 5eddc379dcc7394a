#pragma once
// multipart/form-data (RFC 7578): how browsers and SDKs upload files. No library of Debian reads it from memory without
// an HTTP server of its own around it, so it is read here, in one pass, without copying the content.
//
//   for (const MultipartPart& part : parse_multipart(request.header("content-type"), request.body)) {
//     part.name;  part.filename;  part.content;
//   }
//
// Strict where two readers could disagree: every part has exactly one Content-Disposition of type form-data with a
// name, nothing stands before the first delimiter or behind the last one, transfer encodings and filename* (which RFC
// 7578 forbids) are refused. Throws Error{kInvalidArgument} "body: ..." saying what and where.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shenbi::net {

struct MultipartPart {
  std::string name;
  std::optional<std::string> filename;  ///< of the client's making: never a path of ours
  std::string content_type;             ///< "" if not said
  std::string_view content;             ///< into the body
};

/// In the order they were sent; at least one. `content_type`: the request's header.
std::vector<MultipartPart> parse_multipart(std::string_view content_type, std::string_view body);

}  // namespace shenbi::net
