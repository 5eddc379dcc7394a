#pragma once
// Writing a checkpoint tensor by tensor, so that a model larger than memory can be written.
//
//   GgufWriter writer("small.gguf");                        // or SafetensorsWriter("model.safetensors")
//   writer.set("general.architecture", "llama");
//   writer.declare("token_embd.weight", q8_0, {2048, 640});  // all tensors first: the header comes before the data
//   writer.declare("output_norm.weight", f32, {640});
//   writer.append(blocks);                                   // then their bytes in that order, in pieces of any size
//   writer.append(norm);
//   writer.finish();                                         // only now the file has its name
//
// An object that is destroyed before finish() leaves nothing behind. Throws Error{kInvalidArgument} for a name, shape
// or type the format cannot hold and where the bytes do not add up; otherwise as AtomicFile.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/atomic_file.h"
#include "formats/checkpoint.h"
#include "formats/gguf.h"

namespace shenbi::formats {

class TensorWriter {
 public:
  virtual ~TensorWriter() = default;

  /// `shape` outermost first. Before the first append().
  void declare(std::string_view name, const kernels::QuantType& type, std::vector<uint64_t> shape);
  /// The next bytes of the declared tensors.
  void append(std::span<const std::byte> bytes);
  void finish();

 protected:
  struct Declared {
    std::string name;
    const kernels::QuantType* type;
    std::vector<uint64_t> shape;
    uint64_t offset = 0;  ///< in the data section
    uint64_t bytes = 0;
  };

  TensorWriter(std::filesystem::path path, uint64_t alignment) : file_(std::move(path)), alignment_(alignment) {}

  /// Refuses a tensor that the format cannot hold.
  virtual void check(const Declared& tensor) const = 0;
  /// Everything before the data section, padding included.
  virtual std::string header() const = 0;

  const std::vector<Declared>& tensors() const noexcept { return tensors_; }
  uint64_t alignment() const noexcept { return alignment_; }
  [[noreturn]] void refuse(std::string_view problem) const;
  [[noreturn]] void refuse_tensor(std::string_view name, std::string_view problem) const;
  /// Metadata and tensors are fixed once data has been written.
  void require_open() const;

 private:
  void begin();
  void pad_to(uint64_t offset);

  AtomicFile file_;
  uint64_t alignment_;
  std::vector<Declared> tensors_;
  std::set<std::string, std::less<>> names_;
  uint64_t data_bytes_ = 0;  ///< end of the last declared tensor
  bool begun_ = false;
  size_t current_ = 0;    ///< tensor that append() fills
  uint64_t filled_ = 0;   ///< of it
  uint64_t written_ = 0;  ///< of the data section
};

/// GGUF version 3. Value types are those of the arguments, because readers insist on them: set("x.block_count",
/// uint32_t{12}).
class GgufWriter final : public TensorWriter {
 public:
  /// `alignment` is a power of two of at least 8; other than 32 it is noted as general.alignment.
  explicit GgufWriter(std::filesystem::path path, uint64_t alignment = kGgufDefaultAlignment);

  // Setting a key again replaces its value and keeps its place.
  void set(std::string_view key, uint8_t value);
  void set(std::string_view key, int8_t value);
  void set(std::string_view key, uint16_t value);
  void set(std::string_view key, int16_t value);
  void set(std::string_view key, uint32_t value);
  void set(std::string_view key, int32_t value);
  void set(std::string_view key, uint64_t value);
  void set(std::string_view key, int64_t value);
  void set(std::string_view key, float value);
  void set(std::string_view key, double value);
  void set(std::string_view key, bool value);
  void set(std::string_view key, std::string_view value);
  void set(std::string_view key, const char* value) { set(key, std::string_view(value)); }
  void set(std::string_view key, const std::string& value) { set(key, std::string_view(value)); }
  void set(std::string_view key, std::span<const std::string_view> values);
  void set(std::string_view key, std::span<const uint8_t> values);
  void set(std::string_view key, std::span<const int32_t> values);
  void set(std::string_view key, std::span<const uint32_t> values);
  void set(std::string_view key, std::span<const float> values);
  void set_bools(std::string_view key, const std::vector<bool>& values);

  /// Every entry of a GGUF checkpoint, byte for byte with its own value type, except general.alignment and split.*.
  void copy_metadata(const Checkpoint& source);

 private:
  void check(const Declared& tensor) const override;
  std::string header() const override;
  void store(std::string_view key, GgufValueType type, std::string value);
  void store_array(std::string_view key, GgufValueType type, uint64_t count, std::string_view values);

  std::vector<std::pair<std::string, std::string>> metadata_;  ///< key, type and value as the file has them
  std::map<std::string, size_t, std::less<>> place_;
};

/// One safetensors file. Types are those that safetensors has a dtype for.
class SafetensorsWriter final : public TensorWriter {
 public:
  explicit SafetensorsWriter(std::filesystem::path path);

  /// An entry of "__metadata__". {"format": "pt"} is what transformers looks for.
  void note(std::string_view key, std::string_view value);

 private:
  void check(const Declared& tensor) const override;
  std::string header() const override;

  std::map<std::string, std::string> notes_;
};

}  // namespace shenbi::formats
