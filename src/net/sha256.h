#pragma once
// SHA-256 of a stream of bytes.
//
//   Sha256 hash; hash.update(bytes); std::string hex = hash.finish();   // 64 lower-case digits

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace shenbi::net {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::span<const std::byte> bytes);
  std::string finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// Throws Error{kNotFound} if the file cannot be read.
std::string sha256_of_file(const std::filesystem::path& path);

/// True for exactly 64 lower-case hexadecimal digits: anything else must not become a file name.
bool is_sha256_hex(std::string_view text) noexcept;

}  // namespace shenbi::net
