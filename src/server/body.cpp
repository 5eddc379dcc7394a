#include "server/body.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"

namespace shenbi::server {

using chat::OrderedJson;

OrderedJson parse_body(std::string_view text) {
  const auto bounded = [](int depth, OrderedJson::parse_event_t, OrderedJson&) {
    if (depth > static_cast<int>(limits::kMaxRequestDepth)) {
      throw Error(Code::kInvalidArgument, fmt::format("body: JSON nested deeper than {}", limits::kMaxRequestDepth));
    }
    return true;
  };
  try {
    return OrderedJson::parse(text.begin(), text.end(), bounded);
  } catch (const OrderedJson::exception& error) {
    throw Error(Code::kInvalidArgument, fmt::format("body: not JSON: {}", sanitize_utf8(error.what())));
  }
}

Body Body::parse(std::string_view text) { return Body(text.empty() ? OrderedJson::object() : parse_body(text)); }

Body::Body(OrderedJson object, std::string prefix) : json_(std::move(object)), prefix_(std::move(prefix)) {
  if (!json_.is_object()) {
    const std::string where = prefix_.empty() ? "body" : prefix_.substr(0, prefix_.size() - 1);
    throw Error(Code::kInvalidArgument, fmt::format("{}: expected an object, found {}", where, json_.type_name()));
  }
}

bool Body::has(std::string_view name) const { return json_.contains(std::string(name)); }

const OrderedJson* Body::find(std::string_view name) {
  read_.emplace(name);
  const auto found = json_.find(std::string(name));
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

void Body::wrong(std::string_view name, std::string_view expected, const OrderedJson& found) const {
  throw Error(Code::kInvalidArgument,
              fmt::format("{}{}: expected {}, found {}", prefix_, name, expected, found.type_name()));
}

std::optional<std::string> Body::text(std::string_view name) {
  const OrderedJson* found = find(name);
  if (!found) return std::nullopt;
  if (!found->is_string()) wrong(name, "a string", *found);
  return found->get<std::string>();
}

std::string Body::required_text(std::string_view name) {
  if (auto found = text(name)) return std::move(*found);
  throw Error(Code::kInvalidArgument, fmt::format("{}{}: is needed", prefix_, name));
}

std::optional<bool> Body::boolean(std::string_view name) {
  const OrderedJson* found = find(name);
  if (!found) return std::nullopt;
  if (!found->is_boolean()) wrong(name, "true or false", *found);
  return found->get<bool>();
}

std::optional<double> Body::number(std::string_view name, double least, double most) {
  const OrderedJson* found = find(name);
  if (!found) return std::nullopt;
  if (!found->is_number()) wrong(name, "a number", *found);
  const double value = found->get<double>();
  if (!(value >= least && value <= most)) {
    throw Error(Code::kInvalidArgument, fmt::format("{}{}: {} is outside {} to {}", prefix_, name, value, least, most));
  }
  return value;
}

std::optional<int64_t> Body::integer(std::string_view name, int64_t least, int64_t most) {
  const OrderedJson* found = find(name);
  if (!found) return std::nullopt;
  const auto outside = [&] {
    throw Error(Code::kInvalidArgument,
                fmt::format("{}{}: {} is outside {} to {}", prefix_, name, found->dump(), least, most));
  };
  if (!found->is_number()) wrong(name, "a whole number", *found);
  if (found->is_number_float()) {
    const double value = found->get<double>();
    if (value != std::floor(value)) wrong(name, "a whole number", *found);
    if (!(value >= static_cast<double>(least) && value <= static_cast<double>(most))) outside();
    return static_cast<int64_t>(value);
  }
  if (found->is_number_unsigned() && found->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) outside();
  const auto value = found->get<int64_t>();
  if (value < least || value > most) outside();
  return value;
}

std::optional<std::vector<std::string>> Body::texts(std::string_view name) {
  const OrderedJson* found = find(name);
  if (!found) return std::nullopt;
  if (found->is_string()) return std::vector<std::string>{found->get<std::string>()};
  if (!found->is_array()) wrong(name, "a list of strings", *found);
  std::vector<std::string> out;
  for (const OrderedJson& item : *found) {
    if (!item.is_string()) wrong(name, "a list of strings", item);
    out.push_back(item.get<std::string>());
  }
  return out;
}

std::optional<Body> Body::object(std::string_view name) {
  const OrderedJson* found = find(name);
  if (!found) return std::nullopt;
  return Body(*found, fmt::format("{}{}.", prefix_, name));
}

OrderedJson Body::any(std::string_view name) {
  const OrderedJson* found = find(name);
  return found ? *found : OrderedJson();
}

void Body::done() const {
  for (const auto& [name, value] : json_.items()) {
    if (!read_.contains(name)) {
      throw Error(Code::kInvalidArgument, fmt::format("{}{}: unknown field", prefix_, sanitize_utf8(name)));
    }
  }
}

}  // namespace shenbi::server
