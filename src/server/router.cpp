#include "server/router.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace shenbi::server {
namespace {

// The element of a path that begins at `at`, and where the next one does: behind the end if there is none.
std::string_view next_element(std::string_view path, size_t& at) noexcept {
  const size_t begin = at, end = std::min(path.find('/', begin), path.size());
  at = end + 1;
  return path.substr(begin, end - begin);
}

}  // namespace

Route Route::open(Face face, std::string_view method, std::string_view pattern, RouteHandler handler) {
  Route route;
  route.face_ = face;
  route.method_ = method;
  route.pattern_ = pattern;
  route.fixed_ = pattern.substr(0, pattern.find('{'));
  for (size_t at = 1; at <= pattern.size();) route.parts_.push_back(part_of(next_element(pattern, at)));
  route.handler_ = std::move(handler);
  return route;
}

Route Route::with_key(Face face, std::string_view method, std::string_view pattern, Scope scope, RouteHandler handler) {
  Route route = open(face, method, pattern, std::move(handler));
  route.scope_ = scope;
  return route;
}

Route Route::at_once_if(RoutePredicate quick) && {
  quick_ = std::move(quick);
  return std::move(*this);
}

Route::Part Route::part_of(std::string_view element) {
  if (!element.starts_with('{')) return {.name = {}, .text = std::string(element)};
  const size_t close = element.find('}');
  std::string_view name = element.substr(1, close - 1);
  const bool rest = name.ends_with("...");
  if (rest) name.remove_suffix(3);
  return {.name = std::string(name), .text = std::string(element.substr(close + 1)), .rest = rest};
}

bool Route::fits(const Part& part, std::string_view element, PathValues& values) const {
  if (part.name.empty()) return part.text == element;
  if (!element.ends_with(part.text) || element.size() <= part.text.size()) return false;
  values[part.name] = element.substr(0, element.size() - part.text.size());
  return true;
}

std::optional<PathValues> Route::match(std::string_view path) const {
  if (!path.starts_with(fixed_)) return std::nullopt;
  PathValues values;
  size_t at = 1;
  for (const Part& part : parts_) {
    if (at > path.size()) return std::nullopt;
    const std::string_view element =
        part.rest ? path.substr(std::exchange(at, path.size() + 1)) : next_element(path, at);
    if (!fits(part, element, values)) return std::nullopt;
  }
  if (at <= path.size()) return std::nullopt;
  return values;
}

Router::Router() {
  for (const auto& [name, make] : route_registry()) add(make());
}

Router::Router(RouteList routes) { add(std::move(routes)); }

void Router::add(RouteList routes) {
  for (Route& route : routes) {
    if (route.pattern().find('{') == std::string::npos)
      whole_.emplace(route.method() + ' ' + route.pattern(), routes_.size());
    routes_.push_back(std::move(route));
  }
}

Router::Found Router::find(std::string_view method, std::string_view path) const {
  Found found;
  const std::string_view wanted = method == "HEAD" ? "GET" : method;  // HEAD is a GET whose body stays here
  std::string whole(wanted);
  whole.append(" ").append(path);
  if (const auto at = whole_.find(whole); at != whole_.end()) {
    found.route = &routes_[at->second];
    return found;
  }
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
