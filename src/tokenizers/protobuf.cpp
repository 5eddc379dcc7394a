#include "tokenizers/protobuf.h"

#include <fmt/format.h>

#include <bit>

#include "base/error.h"

namespace shenbi::tokenizers {

float ProtobufField::as_float() const noexcept { return std::bit_cast<float>(static_cast<uint32_t>(integer)); }

void ProtobufReader::broken(std::string_view why) const {
  throw Error(Code::kCorruptFile,
              fmt::format("{}: {} at byte {} of a message of {}", what_, why, position_, message_.size()));
}

uint64_t ProtobufReader::varint() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    if (position_ >= message_.size()) broken("protobuf ends inside a number");
    const auto byte = static_cast<uint8_t>(message_[position_++]);
    if (shift < 64) value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  broken("protobuf number longer than 10 bytes");
}

uint64_t ProtobufReader::fixed(size_t bytes) {
  if (message_.size() - position_ < bytes) broken("protobuf ends inside a fixed field");
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i)
    value |= static_cast<uint64_t>(static_cast<uint8_t>(message_[position_ + i])) << (8 * i);
  position_ += bytes;
  return value;
}

bool ProtobufReader::next(ProtobufField& field) {
  if (position_ >= message_.size()) return false;
  const uint64_t key = varint();
  if (key >> 3 == 0 || key >> 32 != 0) broken("bad protobuf field number");
  field = {};
  field.number = static_cast<uint32_t>(key >> 3);
  field.type = static_cast<ProtobufField::Type>(key & 7);
  switch (field.type) {
    case ProtobufField::kVarint:
      field.integer = varint();
      return true;
    case ProtobufField::kFixed64:
      field.integer = fixed(8);
      return true;
    case ProtobufField::kFixed32:
      field.integer = fixed(4);
      return true;
    case ProtobufField::kBytes: {
      const uint64_t size = varint();
      if (size > message_.size() - position_) broken("protobuf field longer than its message");
      field.bytes = message_.substr(position_, size);
      position_ += size;
      return true;
    }
  }
  broken("unknown protobuf wire type");
}

}  // namespace shenbi::tokenizers
