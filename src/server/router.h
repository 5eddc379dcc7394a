#pragma once
// Which function answers which request. One file in server/routes/ defines the routes of one API family; the folder is
// the registry.
//
//   RouteList openai_models() {
//     return {Route::with_key(Face::kOpenAi, "GET", "/v1/models", Scope::kRead, list_models),
//             Route::with_key(Face::kOpenAi, "GET", "/v1/models/{id}", Scope::kRead, one_model)};
//   }
//
// Who may call a route is part of making it: there is no way to make one without saying so. It is decided on the head
// alone, before the body is read. In a pattern {name} stands for one path element and {name...} for
// the rest of the path; fixed text may follow both.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "chat/error_facts.h"
#include "net/server.h"

namespace shenbi::server {

class RequestRecord;
class State;

/// Whose words errors are told in.
enum class Face { kOpenAi, kAnthropic, kOllama, kGemini, kPage };

/// What a key must be allowed to do.
enum class Scope {
  kInfer,   ///< chat, complete, embed
  kRead,    ///< list and describe models
  kManage,  ///< pull and delete models, keys, metrics
  kPage,    ///< conversations of the page
};

/// Who calls: the key's row, or the one user of a server without keys.
struct Caller {
  std::string id = "local";  ///< owner of what is stored
  std::string name;
};

using PathValues = std::map<std::string, std::string, std::less<>>;

struct RouteCall {
  State& state;
  net::ServerRequest request;
  net::ExchangePtr exchange;
  PathValues path;  ///< values of the pattern's names
  Caller caller;
  std::string request_id;
  int priority = 0;  ///< of what the route asks of a model, besides the request's own: higher waits behind lower
  std::shared_ptr<RequestRecord> record = nullptr;  ///< what the log and the trace will say of it; set for handlers
};

/// Runs on a worker thread and may block, unless the route can tell that it will not (Route::at_once_if). What it
/// throws is answered in the words of the route's face.
using RouteHandler = std::function<void(RouteCall&)>;

/// Whether the handler would get through this request without waiting, and with little work. Called on a loop thread.
using RoutePredicate = std::function<bool(State&, const net::ServerRequest&)>;

class Route {
 public:
  static Route open(Face face, std::string_view method, std::string_view pattern, RouteHandler handler);
  static Route with_key(Face face, std::string_view method, std::string_view pattern, Scope scope,
                        RouteHandler handler);
  /// The same route, whose handler runs where the request was read if `quick` says so: a worker that sleeps takes time
  /// to wake.
  Route at_once_if(RoutePredicate quick) &&;

  Face face() const noexcept { return face_; }
  const std::string& method() const noexcept { return method_; }
  const std::string& pattern() const noexcept { return pattern_; }
  /// Nothing: anybody may call it.
  std::optional<Scope> scope() const noexcept { return scope_; }
  const RouteHandler& handler() const noexcept { return handler_; }
  bool is_quick(State& state, const net::ServerRequest& request) const { return quick_ && quick_(state, request); }
  /// The values of the names if the path fits.
  std::optional<PathValues> match(std::string_view path) const;

 private:
  Route() = default;
  // An element of the pattern: fixed text, or a name and the fixed text behind it.
  struct Part {
    std::string name, text;
    bool rest = false;  // {name...}
  };
  static Part part_of(std::string_view element);
  bool fits(const Part& part, std::string_view element, PathValues& values) const;

  Face face_{};
  std::string method_, pattern_;
  std::string fixed_;  // the pattern up to the first name
  std::vector<Part> parts_;
  std::optional<Scope> scope_;
  RouteHandler handler_;
  RoutePredicate quick_;
};
using RouteList = std::vector<Route>;

/// {file stem, function}. Generated from server/routes/*.cpp.
const std::vector<std::pair<std::string_view, RouteList (*)()>>& route_registry();

/// All routes, ready to be looked up.
class Router {
 public:
  /// Those of the registry.
  Router();
  explicit Router(RouteList routes);
  struct Found {
    const Route* route = nullptr;
    PathValues path;
    std::string allowed;  ///< without a route: the methods this path knows ("GET, POST"), "" if the path is unknown
  };
  Found find(std::string_view method, std::string_view path) const;
  const RouteList& routes() const noexcept { return routes_; }

 private:
  void add(RouteList routes);

  RouteList routes_;
  // By method and pattern, of those without names: what nearly all requests ask for, found without a look at the
  // others.
  std::unordered_map<std::string, size_t> whole_;
};

/// The face that answers for a path no route knows.
Face face_of_path(std::string_view path) noexcept;

/// An error as the face's clients expect it. 429 and 503 carry Retry-After.
net::ServerResponse error_response(Face face, int status, std::string_view message, const chat::ErrorFacts& facts = {});
net::ServerResponse error_response(Face face, Code code, std::string_view message);

net::ServerResponse json_response(int status, std::string body);

/// Calls the route's function and lets go of the exchange. What it throws is answered in the words of the route's face.
void run_route(const Route& route, RouteCall& call);

}  // namespace shenbi::server
