#pragma once
// JSON Schema, written as one reads it:
//
//   object({{"id", text()}, {"created", count()}, {"finish_reason", or_null(word({"stop", "length"}))}},
//          {{"warnings", list(text())}})
//
// An object has its first fields always, its second ones sometimes, and no others: an answer with a field that its
// schema does not know fails the tests, as one that lacks a field does.

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/types.h"

namespace shenbi::server::openapi {

using Schema = chat::OrderedJson;
using Fields = std::vector<std::pair<std::string, Schema>>;
/// {"ChatCompletion", its schema}: what `named` refers to.
using Types = Fields;

Schema text();
/// One of these, letter by letter.
Schema word(std::initializer_list<std::string_view> words);
/// A whole number, not below 0.
Schema count();
Schema integer();
Schema number();
Schema boolean();
Schema null();
/// Whatever JSON there is: only for what a caller wrote and gets back.
Schema anything();
Schema list(Schema item);
/// An object whose names are data.
Schema map(Schema value);
Schema object(Fields always, Fields sometimes = {});
Schema either(std::vector<Schema> schemas);
Schema or_null(Schema schema);
/// A type of the document, by name.
Schema named(std::string_view type);

}  // namespace shenbi::server::openapi
