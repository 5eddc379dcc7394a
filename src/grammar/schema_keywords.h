#pragma once
// The keywords of JSON Schema that speak of one value, read into a shape. Private to the reader of schemas.

#include <string>
#include <string_view>

#include "base/error.h"
#include "grammar/schema_shape.h"

namespace shenbi::grammar {

[[noreturn]] void refuse(const std::string& path, std::string_view why, Code code = Code::kInvalidArgument);

/// The value as messages show it.
std::string short_dump(const OrderedJson& value);
/// As a JSON pointer.
std::string child_path(const std::string& path, std::string_view key);
/// The value as what it must be; `path` is named if it is not.
const std::string& string_of(const OrderedJson& value, const std::string& path);
const OrderedJson& list_of(const OrderedJson& value, const std::string& path);  ///< with at least one entry

/// False if the keyword is of another kind.
bool read_scalar_keyword(const std::string& key, const OrderedJson& value, const Source& source,
                         const std::string& path, Shape& shape);
bool read_object_keyword(const std::string& key, const OrderedJson& value, const std::string& path, Shape& shape,
                         ObjectPart& object);
bool read_array_keyword(const std::string& key, const OrderedJson& value, const std::string& path, Shape& shape,
                        ArrayPart& array);

}  // namespace shenbi::grammar
