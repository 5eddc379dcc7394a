// The parser. Nothing is trusted: every count is compared with the bytes that are left before anything is allocated (an
// entry takes at least so many bytes), every product and padding is checked for wrap-around, and names must be text.

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <unordered_set>

#include "base/error.h"
#include "base/limits.h"
#include "formats/gguf.h"
#include "formats/layout.h"
#include "formats/text.h"

namespace shenbi::formats {

static_assert(std::endian::native == std::endian::little, "the readers copy little-endian numbers as they are");

namespace {

constexpr uint64_t kMinMetadataBytes = 8 + 4 + 1;    // key length, type, one byte of value
constexpr uint64_t kMinTensorBytes = 8 + 4 + 4 + 8;  // name length, dims, type, offset
constexpr uint64_t kMinAlignment = 8;                // the format asks for a multiple of 8
constexpr uint64_t kMaxAlignment = 1u << 20;         // files in the wild use 32; huge pages would ask for 2^21
constexpr int kMaxArrayDepth = 4;                    // no known key nests arrays at all

/// Fewest bytes a value of this type takes in an array; 0 for an unknown type.
uint64_t min_value_bytes(GgufValueType type) noexcept {
  switch (type) {
    case GgufValueType::kU8:
    case GgufValueType::kI8:
    case GgufValueType::kBool:
      return 1;
    case GgufValueType::kU16:
    case GgufValueType::kI16:
      return 2;
    case GgufValueType::kU32:
    case GgufValueType::kI32:
    case GgufValueType::kF32:
      return 4;
    case GgufValueType::kU64:
    case GgufValueType::kI64:
    case GgufValueType::kF64:
    case GgufValueType::kString:
      return 8;
    case GgufValueType::kArray:
      return 12;
  }
  return 0;
}

class GgufParser {
 public:
  GgufParser(std::span<const std::byte> file, std::string_view file_name) : file_(file), file_name_(file_name) {}

  GgufContents parse() {
    read_header();
    read_metadata();
    read_alignment();
    read_tensors();
    place_tensors();
    return std::move(contents_);
  }

 private:
  [[noreturn]] void fail(std::string_view problem, Code code = Code::kCorruptFile) const {
    throw Error(code, fmt::format("{}: {}{}", file_name_, subject_, problem));
  }

  // --- primitive reads ---

  uint64_t left() const noexcept { return file_.size() - at_; }

  const std::byte* take(uint64_t count, std::string_view what) {
    if (count > left()) {
      fail(fmt::format("file ends inside {}: {} bytes at offset {}, {} left", what, count, at_, left()));
    }
    const std::byte* bytes = file_.data() + at_;
    at_ += count;
    return bytes;
  }

  template <class T>
  T number(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what), sizeof(T));
    return value;
  }

  std::string_view text(std::string_view what, uint64_t max_bytes) {
    const auto length = number<uint64_t>(what);
    if (length > left()) fail(fmt::format("{} is {} bytes long, {} are left in the file", what, length, left()));
    if (length > max_bytes) fail(fmt::format("{} is {} bytes long, the limit is {}", what, length, max_bytes));
    return {reinterpret_cast<const char*>(take(length, what)), length};
  }

  /// A count from the file, compared with what the rest of the file can hold.
  uint64_t count(std::string_view what, uint64_t value, uint64_t min_bytes_each, uint64_t limit) {
    if (value > left() / min_bytes_each) {
      fail(fmt::format("{} is {}, the {} bytes left hold at most {}", what, value, left(), left() / min_bytes_each));
    }
    if (value > limit) fail(fmt::format("{} is {}, the limit is {}", what, value, limit));
    return value;
  }

  // --- sections ---

  void read_header() {
    if (left() < 4 || std::memcmp(take(4, "the magic"), "GGUF", 4) != 0) fail("not a GGUF file (the magic is missing)");
    const auto version = number<uint32_t>("the version");
    if (version != 0 && (version & 0xFFFFu) == 0) {
      fail(fmt::format("big-endian GGUF (version bytes {:08x}); convert it to little-endian first", version),
           Code::kUnsupported);
    }
    if (version != 2 && version != 3) {
      fail(fmt::format("GGUF version {}, versions 2 and 3 are supported", version), Code::kUnsupported);
    }
    contents_.version = version;
    tensor_count_ = number<uint64_t>("the tensor count");
    metadata_count_ = number<uint64_t>("the metadata count");
    // Both now, so that the first lie is reported and not a consequence of it.
    count("tensor count", tensor_count_, kMinTensorBytes, limits::kMaxTensors);
    count("metadata count", metadata_count_, kMinMetadataBytes, limits::kMaxMetadataEntries);
  }

  void read_metadata() {
    for (uint64_t i = 0; i < metadata_count_; ++i) {
      subject_ = fmt::format("metadata entry {}: ", i);
      const std::string_view key = text("the key", limits::kMaxNameBytes);
      if (key.empty() || !is_plain_text(key)) fail(fmt::format("the key '{}' is not a name", printable(key)));
      subject_ = fmt::format("metadata '{}': ", key);
      const auto [place, is_new] = contents_.metadata.try_emplace(std::string(key));
      if (!is_new) fail("the key occurs twice");
      const GgufValueType type = value_type(number<uint32_t>("the value type"));
      const uint64_t begin = at_;
      place->second = read_value(type);
      contents_.raw.push_back({.key = key, .type = type, .value = file_.subspan(begin, at_ - begin)});
    }
    subject_.clear();
  }

  void read_alignment() {
    const auto found = contents_.metadata.find("general.alignment");
    if (found == contents_.metadata.end()) return;
    const auto* value = std::get_if<uint64_t>(&found->second);
    subject_ = "metadata 'general.alignment': ";
    if (!value) fail(fmt::format("expected an unsigned integer, found {}", kind_text(found->second)));
    if (!std::has_single_bit(*value) || *value < kMinAlignment || *value > kMaxAlignment) {
      fail(fmt::format("{} is not a power of two between {} and {}", *value, kMinAlignment, kMaxAlignment));
    }
    contents_.alignment = *value;
    subject_.clear();
  }

  void read_tensors() {
    contents_.tensors.reserve(tensor_count_);
    offsets_.reserve(tensor_count_);
    std::unordered_set<std::string_view> names;
    for (uint64_t i = 0; i < tensor_count_; ++i) {
      subject_ = fmt::format("tensor {}: ", i);
      const std::string_view name = text("the name", limits::kMaxNameBytes);
      if (name.empty() || !is_plain_text(name)) fail(fmt::format("the name '{}' is not a name", printable(name)));
      subject_ = fmt::format("tensor '{}': ", name);
      if (!names.insert(name).second) fail("the name occurs twice");
      contents_.tensors.push_back({.name = std::string(name), .type = nullptr, .shape = read_shape(), .data = {}});
      contents_.tensors.back().type = read_type(contents_.tensors.back().shape);
      offsets_.push_back(number<uint64_t>("the offset"));
    }
    subject_.clear();
  }

  std::vector<uint64_t> read_shape() {
    const auto dims = number<uint32_t>("the number of dimensions");
    if (dims > limits::kMaxTensorDims)
      fail(fmt::format("{} dimensions, the limit is {}", dims, limits::kMaxTensorDims));
    std::vector<uint64_t> shape(dims);
    for (uint32_t i = 0; i < dims; ++i) shape[dims - 1 - i] = number<uint64_t>("the dimensions");
    for (const uint64_t dimension : shape) {
      if (dimension == 0 || dimension > static_cast<uint64_t>(INT64_MAX)) {
        fail(fmt::format("the shape {} has a dimension outside 1 .. 2^63-1", shape_text(shape)));
      }
    }
    return shape;
  }

  const kernels::QuantType* read_type(const std::vector<uint64_t>& shape) {
    const auto id = number<uint32_t>("the type");
    const kernels::QuantType* type = id < kernels::kFirstNonGgufTypeId ? kernels::find_quant_type(id) : nullptr;
    if (!type) fail(fmt::format("the storage type {} is not one that this program reads", id), Code::kUnsupported);
    if (columns(shape) % type->block_elements != 0) {
      fail(fmt::format("rows of shape {} are not whole blocks of {} ({} elements)", shape_text(shape), type->name,
                       type->block_elements));
    }
    return type;
  }

  void place_tensors() {
    const auto begin = checked_align(at_, contents_.alignment);
    contents_.data_offset = *begin;  // at_ is at most the file's size, so this cannot wrap
    if (contents_.tensors.empty()) return;
    const uint64_t available = contents_.data_offset < file_.size() ? file_.size() - contents_.data_offset : 0;
    std::vector<Extent> extents;
    extents.reserve(contents_.tensors.size());
    for (size_t i = 0; i < contents_.tensors.size(); ++i) extents.push_back(place_tensor(i, available));
    if (const auto clash = find_overlap(extents)) {
      const auto& [a, b] = *clash;
      fail(fmt::format("tensors '{}' (bytes {} to {}) and '{}' (bytes {} to {}) overlap",
                       contents_.tensors[a.index].name, a.begin, a.end, contents_.tensors[b.index].name, b.begin,
                       b.end));
    }
  }

  Extent place_tensor(size_t index, uint64_t available) {
    TensorEntry& tensor = contents_.tensors[index];
    const uint64_t offset = offsets_[index];
    const auto bytes = tensor_bytes(*tensor.type, tensor.shape);
    const auto end = bytes ? checked_add(offset, *bytes) : std::nullopt;
    if (!end) {
      fail(fmt::format("tensor '{}': shape {} of {} at offset {} exceeds 64-bit sizes", tensor.name,
                       shape_text(tensor.shape), tensor.type->name, offset));
    }
    if (offset % contents_.alignment != 0) {
      fail(fmt::format("tensor '{}': offset {} is not a multiple of the alignment {}", tensor.name, offset,
                       contents_.alignment));
    }
    if (*end > available) {
      fail(fmt::format("tensor '{}': shape {} of {} needs {} bytes at offset {}, the data section has {}", tensor.name,
                       shape_text(tensor.shape), tensor.type->name, *bytes, offset, available));
    }
    tensor.data = file_.subspan(contents_.data_offset + offset, *bytes);
    return {.begin = offset, .end = *end, .index = index};
  }

  // --- metadata values ---

  GgufValueType value_type(uint32_t raw) const {
    const auto type = static_cast<GgufValueType>(raw);
    if (min_value_bytes(type) == 0) fail(fmt::format("unknown value type {}", raw));
    return type;
  }

  bool checked_bool(uint8_t value) const {
    if (value > 1) fail(fmt::format("a bool has the value {}", value));
    return value != 0;
  }

  MetadataValue read_value(GgufValueType type) {
    switch (type) {
      case GgufValueType::kU8:
        return uint64_t{number<uint8_t>("the value")};
      case GgufValueType::kI8:
        return int64_t{number<int8_t>("the value")};
      case GgufValueType::kU16:
        return uint64_t{number<uint16_t>("the value")};
      case GgufValueType::kI16:
        return int64_t{number<int16_t>("the value")};
      case GgufValueType::kU32:
        return uint64_t{number<uint32_t>("the value")};
      case GgufValueType::kI32:
        return int64_t{number<int32_t>("the value")};
      case GgufValueType::kF32:
        return double{number<float>("the value")};
      case GgufValueType::kBool:
        return checked_bool(number<uint8_t>("the value"));
      case GgufValueType::kString:
        return text("the string", limits::kMaxMetadataStringBytes);
      case GgufValueType::kArray:
        return read_array(1);
      case GgufValueType::kU64:
        return number<uint64_t>("the value");
      case GgufValueType::kI64:
        return number<int64_t>("the value");
      case GgufValueType::kF64:
        return number<double>("the value");
    }
    return {};
  }

  template <class Wide, class Stored>
  std::vector<Wide> widened(uint64_t length) {
    const std::byte* bytes =
        take(length * sizeof(Stored), "the array");  // cannot wrap: count() compared it with left()
    std::vector<Wide> values(length);
    for (uint64_t i = 0; i < length; ++i) {
      Stored value;
      std::memcpy(&value, bytes + i * sizeof(Stored), sizeof(Stored));
      values[i] = static_cast<Wide>(value);
    }
    return values;
  }

  MetadataArray read_array(int depth) {
    if (depth > kMaxArrayDepth) fail(fmt::format("arrays are nested deeper than {} levels", kMaxArrayDepth));
    const GgufValueType type = value_type(number<uint32_t>("the array's type"));
    const auto declared = number<uint64_t>("the array's length");
    const uint64_t length = count("the array's length", declared, min_value_bytes(type), elements_left_);
    elements_left_ -= length;
    switch (type) {
      case GgufValueType::kU8:
        return widened<uint64_t, uint8_t>(length);
      case GgufValueType::kI8:
        return widened<int64_t, int8_t>(length);
      case GgufValueType::kU16:
        return widened<uint64_t, uint16_t>(length);
      case GgufValueType::kI16:
        return widened<int64_t, int16_t>(length);
      case GgufValueType::kU32:
        return widened<uint64_t, uint32_t>(length);
      case GgufValueType::kI32:
        return widened<int64_t, int32_t>(length);
      case GgufValueType::kF32:
        return widened<double, float>(length);
      case GgufValueType::kBool:
        return bool_array(length);
      case GgufValueType::kString:
        return string_array(length);
      case GgufValueType::kArray:
        return nested_array(length, depth);
      case GgufValueType::kU64:
        return widened<uint64_t, uint64_t>(length);
      case GgufValueType::kI64:
        return widened<int64_t, int64_t>(length);
      case GgufValueType::kF64:
        return widened<double, double>(length);
    }
    return {};
  }

  std::vector<uint8_t> bool_array(uint64_t length) {
    auto values = widened<uint8_t, uint8_t>(length);
    for (const uint8_t value : values) checked_bool(value);
    return values;
  }

  std::vector<std::string_view> string_array(uint64_t length) {
    std::vector<std::string_view> values(length);
    for (auto& value : values) value = text("a string of the array", limits::kMaxMetadataStringBytes);
    return values;
  }

  std::vector<MetadataArray> nested_array(uint64_t length, int depth) {
    std::vector<MetadataArray> values;
    values.reserve(length);
    for (uint64_t i = 0; i < length; ++i) values.push_back(read_array(depth + 1));
    return values;
  }

  std::span<const std::byte> file_;
  std::string_view file_name_;
  uint64_t at_ = 0;
  std::string subject_;  // "tensor 'x': ", put before each error
  uint64_t tensor_count_ = 0, metadata_count_ = 0;
  uint64_t elements_left_ = limits::kMaxMetadataElements;
  std::vector<uint64_t> offsets_;
  GgufContents contents_;
};

}  // namespace

GgufContents parse_gguf(std::span<const std::byte> file, std::string_view file_name) {
  return GgufParser(file, file_name).parse();
}

}  // namespace shenbi::formats
