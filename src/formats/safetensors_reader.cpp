// The header is read with a SAX parser: no tree of a hostile header is ever built, nesting is bounded by the few states
// there are, and a name that occurs twice is seen (a tree would keep the last one silently).

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <unordered_set>

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "formats/layout.h"
#include "formats/safetensors.h"
#include "formats/text.h"

namespace shenbi::formats {

namespace {

// Every dtype here has a row of the same name in kernels/quant.
constexpr std::array<std::string_view, 12> kDtypes = {"F64", "F32", "F16", "BF16", "I64",     "I32",
                                                      "I16", "I8",  "U8",  "BOOL", "F8_E4M3", "F8_E5M2"};
constexpr uint64_t kMaxNotes = 4096;  // entries of __metadata__; files in the wild have one to fifty

/// One tensor as the header declares it.
struct Declared {
  std::string name;
  std::optional<std::string> dtype;
  std::optional<std::vector<uint64_t>> shape, offsets;
};

class HeaderReader final : public nlohmann::json_sax<Json> {
 public:
  explicit HeaderReader(std::string_view file_name) : file_name_(file_name) {}

  std::vector<Declared> take_tensors() { return std::move(tensors_); }
  std::map<std::string, std::string> take_notes() { return std::move(notes_); }

  bool start_object(size_t) override {
    switch (state_) {
      case State::kStart:
        state_ = State::kNames;
        return true;
      case State::kTensorValue:
        state_ = State::kTensor;
        return true;
      case State::kNotesValue:
        state_ = State::kNotes;
        return true;
      default:
        unexpected("an object");
    }
  }
  bool end_object() override {
    if (state_ == State::kTensor) finish_tensor();
    state_ = state_ == State::kNames ? State::kEnd : State::kNames;
    return true;
  }
  bool key(string_t& text) override {
    switch (state_) {
      case State::kNames:
        begin_entry(text);
        break;
      case State::kTensor:
        begin_field(text);
        break;
      default:
        begin_note(text);
        break;
    }
    return true;
  }
  bool start_array(size_t) override {
    if (state_ != State::kField || field_ == "dtype") unexpected("an array");
    auto& list = field_ == "shape" ? tensors_.back().shape : tensors_.back().offsets;
    list.emplace();
    state_ = State::kNumbers;
    return true;
  }
  bool end_array() override {
    state_ = State::kTensor;
    return true;
  }
  bool string(string_t& text) override {
    if (state_ == State::kField && field_ == "dtype") {
      tensors_.back().dtype = std::move(text);
      state_ = State::kTensor;
    } else if (state_ == State::kNote) {
      notes_[note_] = std::move(text);
      state_ = State::kNotes;
    } else {
      unexpected("a string");
    }
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (state_ != State::kNumbers) unexpected(fmt::format("the number {}", value));
    auto& list = *(field_ == "shape" ? tensors_.back().shape : tensors_.back().offsets);
    const uint64_t limit = field_ == "shape" ? limits::kMaxTensorDims : 2;
    if (list.size() == limit) fail(fmt::format("'{}' has more than {} numbers", field_, limit));
    list.push_back(value);
    return true;
  }
  bool number_integer(number_integer_t value) override { unexpected(fmt::format("the number {}", value)); }
  bool number_float(number_float_t, const string_t& text) override { unexpected("the number " + printable(text)); }
  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a bool"); }
  bool binary(binary_t&) override { unexpected("binary data"); }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) override {
    subject_.clear();
    fail(fmt::format("the header is not valid JSON at byte {}", position));
  }

 private:
  // kNames: between tensors; kTensor: between a tensor's fields; kNotes: inside __metadata__; the others expect one
  // value.
  enum class State { kStart, kNames, kTensorValue, kTensor, kField, kNumbers, kNotesValue, kNotes, kNote, kEnd };

  [[noreturn]] void fail(std::string_view problem) const {
    throw Error(Code::kCorruptFile, fmt::format("{}: {}{}", file_name_, subject_, problem));
  }
  [[noreturn]] void unexpected(std::string_view what) const {
    switch (state_) {
      case State::kStart:
        fail(fmt::format("the header is {}, expected an object", what));
      case State::kField:
      case State::kNumbers:
        fail(fmt::format("'{}' holds {}", field_, what));
      case State::kNote:
        fail(fmt::format("'__metadata__' entry '{}' is {}, expected a string", printable(note_), what));
      case State::kNotesValue:
        fail(fmt::format("'__metadata__' is {}, expected an object", what));
      default:
        fail(fmt::format("found {} where an object was expected", what));
    }
  }

  void begin_entry(const std::string& name) {
    subject_.clear();
    if (name == "__metadata__") {
      if (std::exchange(has_notes_, true)) fail("'__metadata__' occurs twice");
      state_ = State::kNotesValue;
      return;
    }
    if (name.empty() || name.size() > limits::kMaxNameBytes || !is_plain_text(name)) {
      fail(fmt::format("the tensor name '{}' is not a name", printable(name)));
    }
    if (tensors_.size() == limits::kMaxTensors) fail(fmt::format("more than {} tensors", limits::kMaxTensors));
    subject_ = fmt::format("tensor '{}': ", name);
    if (!names_.insert(name).second) fail("the name occurs twice");
    tensors_.push_back({.name = name, .dtype = {}, .shape = {}, .offsets = {}});
    state_ = State::kTensorValue;
  }

  void begin_field(const std::string& name) {
    const Declared& tensor = tensors_.back();
    if (name != "dtype" && name != "shape" && name != "data_offsets") {
      fail(fmt::format("unknown field '{}'", printable(name)));
    }
    const bool seen = name == "dtype" ? tensor.dtype.has_value() : name == "shape" ? !!tensor.shape : !!tensor.offsets;
    if (seen) fail(fmt::format("'{}' occurs twice", name));
    field_ = name;
    state_ = State::kField;
  }

  void begin_note(const std::string& name) {
    if (notes_.size() == kMaxNotes) fail(fmt::format("'__metadata__' has more than {} entries", kMaxNotes));
    note_ = name;
    state_ = State::kNote;
  }

  void finish_tensor() {
    const Declared& tensor = tensors_.back();
    if (!tensor.dtype) fail("'dtype' is missing");
    if (!tensor.shape) fail("'shape' is missing");
    if (!tensor.offsets) fail("'data_offsets' is missing");
    if (tensor.offsets->size() != 2)
      fail(fmt::format("'data_offsets' has {} numbers, expected 2", tensor.offsets->size()));
    subject_.clear();
  }

  std::string_view file_name_;
  State state_ = State::kStart;
  std::string subject_, field_, note_;
  bool has_notes_ = false;
  std::vector<Declared> tensors_;
  std::unordered_set<std::string> names_;
  std::map<std::string, std::string> notes_;
};

[[noreturn]] void fail(std::string_view file_name, std::string_view tensor, std::string_view problem,
                       Code code = Code::kCorruptFile) {
  throw Error(code, fmt::format("{}: tensor '{}': {}", file_name, tensor, problem));
}

/// Checks a declared tensor against the data section and points it there.
TensorEntry place(Declared declared, std::span<const std::byte> data, std::string_view file_name) {
  const kernels::QuantType* type = find_safetensors_type(*declared.dtype);
  if (!type) {
    fail(file_name, declared.name,
         fmt::format("the dtype {} is not one that this program reads", printable(*declared.dtype)),
         Code::kUnsupported);
  }
  const auto bytes = tensor_bytes(*type, *declared.shape);
  if (!bytes) {
    fail(file_name, declared.name,
         fmt::format("shape {} of {} exceeds 64-bit sizes", shape_text(*declared.shape), type->name));
  }
  const auto [begin, end] = std::pair((*declared.offsets)[0], (*declared.offsets)[1]);
  if (begin > end || end > data.size()) {
    fail(file_name, declared.name,
         fmt::format("data_offsets [{}, {}] do not lie in the {} bytes of data", begin, end, data.size()));
  }
  if (end - begin != *bytes) {
    fail(file_name, declared.name,
         fmt::format("shape {} of {} needs {} bytes, data_offsets [{}, {}] hold {}", shape_text(*declared.shape),
                     type->name, *bytes, begin, end, end - begin));
  }
  return {.name = std::move(declared.name),
          .type = type,
          .shape = std::move(*declared.shape),
          .data = data.subspan(begin, *bytes)};
}

/// The tensors must tile the data section.
void check_tiling(const std::vector<TensorEntry>& tensors, std::span<const std::byte> data,
                  std::string_view file_name) {
  std::vector<Extent> extents;
  extents.reserve(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto begin = static_cast<uint64_t>(tensors[i].data.data() - data.data());
    extents.push_back({.begin = begin, .end = begin + tensors[i].data.size(), .index = i});
  }
  if (const auto clash = find_overlap(extents)) {
    fail(file_name, tensors[clash->first.index].name,
         fmt::format("its bytes {} to {} overlap those of '{}', {} to {}", clash->first.begin, clash->first.end,
                     tensors[clash->second.index].name, clash->second.begin, clash->second.end));
  }
  uint64_t covered = 0;
  for (const Extent& extent : extents) {
    if (extent.begin != covered && extent.begin != extent.end) {
      fail(file_name, tensors[extent.index].name,
           fmt::format("it begins at byte {}, but the tensors before it end at {}", extent.begin, covered));
    }
    covered = std::max(covered, extent.end);
  }
  if (covered != data.size()) {
    throw Error(Code::kCorruptFile,
                fmt::format("{}: the tensors cover {} of {} bytes of data", file_name, covered, data.size()));
  }
}

std::string_view header_text(std::span<const std::byte> file, std::string_view file_name) {
  uint64_t length = 0;
  if (file.size() < sizeof(length)) {
    throw Error(Code::kCorruptFile,
                fmt::format("{}: {} bytes are too few for a safetensors file", file_name, file.size()));
  }
  std::memcpy(&length, file.data(), sizeof(length));
  if (length > file.size() - sizeof(length)) {
    throw Error(Code::kCorruptFile, fmt::format("{}: the header is {} bytes long, {} are left in the file", file_name,
                                                length, file.size() - sizeof(length)));
  }
  if (length > limits::kMaxSafetensorsHeaderBytes) {
    throw Error(Code::kCorruptFile, fmt::format("{}: the header is {} bytes long, the limit is {}", file_name, length,
                                                limits::kMaxSafetensorsHeaderBytes));
  }
  return {reinterpret_cast<const char*>(file.data()) + sizeof(length), length};
}

}  // namespace

const kernels::QuantType* find_safetensors_type(std::string_view dtype) noexcept {
  if (std::find(kDtypes.begin(), kDtypes.end(), dtype) == kDtypes.end()) return nullptr;
  return kernels::find_quant_type(dtype);
}

SafetensorsContents parse_safetensors(std::span<const std::byte> file, std::string_view file_name) {
  const std::string_view header = header_text(file, file_name);
  HeaderReader reader(file_name);
  Json::sax_parse(header.begin(), header.end(), &reader);
  const auto data = file.subspan(sizeof(uint64_t) + header.size());

  SafetensorsContents contents;
  contents.notes = reader.take_notes();
  for (Declared& declared : reader.take_tensors())
    contents.tensors.push_back(place(std::move(declared), data, file_name));
  check_tiling(contents.tensors, data, file_name);
  return contents;
}

}  // namespace shenbi::formats
