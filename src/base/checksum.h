#pragma once
// A fast checksum against damage: a flipped bit, a torn write, another file's bytes. 64 bits, so one damaged file in
// 2^64 passes. Not against people: whoever can write the file can write its checksum too.
//
// Eight independent lanes of xor, multiply, shift (each step can be undone, so a change of one word always changes the
// sum): about 8 bytes a cycle in plain C++, faster than memory.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace shenbi {

/// The same on every machine of our byte order; `seed` makes independent sums of the same bytes.
uint64_t checksum(std::span<const std::byte> bytes, uint64_t seed = 0) noexcept;
inline uint64_t checksum(std::string_view text, uint64_t seed = 0) noexcept {
  return checksum(std::as_bytes(std::span<const char>(text.data(), text.size())), seed);
}

}  // namespace shenbi
