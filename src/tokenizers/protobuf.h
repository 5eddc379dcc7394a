#pragma once
// Just enough of the protocol-buffer wire format to read a SentencePiece model: fields one after the other, each with a
// number and a wire type. Views point into the message. Malformed input is Error{kCorruptFile}.

#include <cstdint>
#include <string_view>

namespace shenbi::tokenizers {

struct ProtobufField {
  uint32_t number = 0;
  uint64_t integer = 0;    ///< varint, or the bits of a fixed field
  std::string_view bytes;  ///< of a length-delimited field
  enum Type { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 } type = kVarint;

  float as_float() const noexcept;
};

class ProtobufReader {
 public:
  /// `what` names the file in errors; both must outlive the reader.
  ProtobufReader(std::string_view message, std::string_view what) : message_(message), what_(what) {}
  /// False at the end of the message.
  bool next(ProtobufField& field);

 private:
  uint64_t varint();
  uint64_t fixed(size_t bytes);
  [[noreturn]] void broken(std::string_view why) const;

  std::string_view message_, what_;
  size_t position_ = 0;
};

}  // namespace shenbi::tokenizers
