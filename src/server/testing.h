#pragma once
// A real server on a free port with its own data folder, and a small client, for tests. No test of this module sees the
// data folder of the user: SHENBI_HOME points to an empty one.

#include <curl/curl.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/folders.h"
#include "server/server.h"

namespace shenbi::server::testing {

struct Answer {
  long status = 0;
  std::string body;
  std::map<std::string, std::string> headers;  ///< lower case
  nlohmann::ordered_json json() const { return nlohmann::ordered_json::parse(body); }
};

/// One request over a connection of its own.
Answer ask(const std::string& url, const std::string& method = "GET", const std::string& body = {},
           const std::vector<std::string>& headers = {});

class TestServer {
 public:
  explicit TestServer(ServeOptions options = {});
  Answer get(const std::string& path, const std::vector<std::string>& headers = {}) {
    return ask(url(path), "GET", {}, headers);
  }
  Answer send(const std::string& method, const std::string& path, const nlohmann::ordered_json& body = {},
              const std::vector<std::string>& headers = {}) {
    return ask(url(path), method, body.is_null() ? "" : body.dump(), headers);
  }
  std::string url(const std::string& path) const { return server->address() + path; }
  State& state() { return server->state(); }

  TemporaryFolder folder;
  std::unique_ptr<Server> server;
};

}  // namespace shenbi::server::testing
