#pragma once
// Words for error lines and listings: text that comes out of a file is shown so that it stays on one line and cannot
// drive the terminal.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace shenbi::formats {

/// `text` with control characters and broken UTF-8 written as \xHH, cut to about `max_bytes` with "...".
std::string printable(std::string_view text, size_t max_bytes = 80);

/// True for text without control characters that is valid UTF-8: what a tensor name or a key may be.
bool is_plain_text(std::string_view text) noexcept;

/// "[2048, 640]"
std::string shape_text(std::span<const uint64_t> shape);

/// "253.1 MB": powers of 1000 with one decimal, as disks and download pages count.
std::string bytes_text(uint64_t bytes);

}  // namespace shenbi::formats
