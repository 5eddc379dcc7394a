#include "server/router.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace shenbi::server {
namespace {

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  for (size_t at = 1; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    parts.emplace_back(path.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

}  // namespace

Route Route::open(Face face, std::string_view method, std::string_view pattern, RouteHandler handler) {
  Route route;
  route.face_ = face;
  route.method_ = method;
  route.pattern_ = pattern;
  route.parts_ = split_path(pattern);
  route.handler_ = std::move(handler);
  return route;
}

Route Route::with_key(Face face, std::string_view method, std::string_view pattern, Scope scope, RouteHandler handler) {
  Route route = open(face, method, pattern, std::move(handler));
  route.scope_ = scope;
  return route;
}

std::optional<PathValues> Route::match(std::string_view path) const {
  const auto given = split_path(path);
  PathValues values;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const std::string& part = parts_[i];
    if (i >= given.size()) return std::nullopt;
    if (const size_t dots = part.find("...}"); dots != std::string::npos) {
      const std::string_view suffix = std::string_view(part).substr(dots + 4);
      std::string rest = given[i];
      for (size_t k = i + 1; k < given.size(); ++k) rest += '/' + given[k];
      if (!rest.ends_with(suffix) || rest.size() <= suffix.size()) return std::nullopt;
      rest.resize(rest.size() - suffix.size());
      values[part.substr(1, dots - 1)] = rest;
      return values;
    }
    if (part.starts_with('{')) {
      const size_t close = part.find('}');
      const std::string_view suffix = std::string_view(part).substr(close + 1);
      if (!given[i].ends_with(suffix) || given[i].size() <= suffix.size()) return std::nullopt;
      values[part.substr(1, close - 1)] = given[i].substr(0, given[i].size() - suffix.size());
    } else if (part != given[i]) {
      return std::nullopt;
    }
  }
  if (given.size() != parts_.size()) return std::nullopt;
  return values;
}

Router::Router() {
  for (const auto& [name, make] : route_registry()) {
    for (Route& route : make()) routes_.push_back(std::move(route));
  }
}

Router::Router(RouteList routes) : routes_(std::move(routes)) {}

Router::Found Router::find(std::string_view method, std::string_view path) const {
  Found found;
  const std::string_view wanted = method == "HEAD" ? "GET" : method;  // HEAD is a GET whose body stays here
  size_t most_fixed = 0;
  for (const Route& route : routes_) {
    auto values = route.match(path);
    if (!values) continue;
    if (route.method() != wanted) {
      if (found.allowed.find(route.method()) == std::string::npos) {
        found.allowed += (found.allowed.empty() ? "" : ", ") + route.method();
      }
      continue;
    }
    // The pattern with most fixed text in front wins: /page/folders/all over /page/folders/{id}.
    const size_t fixed = 1 + std::min(route.pattern().find('{'), route.pattern().size());
    if (fixed <= most_fixed) continue;
    most_fixed = fixed;
    found.route = &route;
    found.path = std::move(*values);
  }
  return found;
}

}  // namespace shenbi::server
