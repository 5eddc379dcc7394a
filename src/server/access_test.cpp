// Who may call what: keys, scopes, foreign pages, other people's things. Over a real server; no model is needed to be
// refused.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "server/conversations.h"
#include "server/test_both_sides.h"

namespace shenbi::server {
namespace {

using testing::Answer;
using ::testing::HasSubstr;
using testing::TestServer;

std::vector<std::string> bearer(const std::string& key) { return {"Authorization: Bearer " + key}; }

constexpr const char* kFixed = "a-fixed-key-of-the-test";
const Router kRouter;

// Every pattern with its names filled in, so that each route is met.
std::string path_of(const Route& route, const std::string& id) {
  std::string path = route.pattern();
  for (size_t at = path.find('{'); at != std::string::npos; at = path.find('{')) {
    path.replace(at, path.find('}') - at + 1, id);
  }
  return path;
}

class AccessTest : public testing::OnBothSides {};
INSTANTIATE_TEST_SUITE_P(On, AccessTest, store::kSides, store::side_name);

TEST_P(AccessTest, every_route_with_a_scope_refuses_none_wrong_revoked_and_expired_keys) {
  TestServer server({.keys = {kFixed}, .database = place()});
  Keys& keys = server.state().keys;
  const auto revoked = keys.create({.name = "revoked"}), expired = keys.create({.name = "expired", .expires = 1});
  keys.revoke(revoked.key.id);
  int met = 0;
  for (const Route& route : kRouter.routes()) {
    if (!route.scope()) continue;
    ++met;
    const std::string path = path_of(route, "x");
    SCOPED_TRACE(route.method() + " " + path);
    for (const std::string& key : {std::string(), std::string("sk-shenbi-wrong"), revoked.text, expired.text}) {
      const Answer answer =
          server.send(route.method(), path, nullptr, key.empty() ? std::vector<std::string>() : bearer(key));
      EXPECT_EQ(answer.status, 401);
      EXPECT_FALSE(answer.headers.at("www-authenticate").empty());
    }
  }
  EXPECT_GT(met, 20);
}

TEST_P(AccessTest, a_key_without_the_scope_is_forbidden) {
  TestServer server({.keys = {kFixed}, .database = place()});
  const auto reader = server.state().keys.create({.name = "reader", .scopes = {Scope::kRead}});
  for (const Route& route : kRouter.routes()) {
    if (!route.scope() || *route.scope() == Scope::kRead) continue;
    EXPECT_EQ(server.send(route.method(), path_of(route, "x"), nullptr, bearer(reader.text)).status, 403)
        << route.pattern();
  }
  EXPECT_EQ(server.get("/v1/models", bearer(reader.text)).status, 200);
}

TEST_P(AccessTest, keys_are_found_where_each_dialect_puts_them) {
  TestServer server({.keys = {kFixed}, .database = place()});
  for (const char* header : {"Authorization: Bearer ", "x-api-key: ", "api-key: ", "x-goog-api-key: "}) {
    EXPECT_EQ(server.get("/v1/models", {std::string(header) + kFixed}).status, 200) << header;
  }
  EXPECT_EQ(server.get(std::string("/v1/models?key=") + kFixed).status, 200);
}

TEST_P(AccessTest, another_owners_things_are_not_there) {
  TestServer server({.keys = {kFixed}, .database = place()});
  const auto a = server.state().keys.create({.name = "a"}), b = server.state().keys.create({.name = "b"});
  const std::string conversation =
      server.send("POST", "/page/conversations", {{"title", "secret"}}, bearer(a.text)).json()["id"];
  const std::string folder = server.send("POST", "/page/folders", {{"name", "f"}}, bearer(a.text)).json()["id"];
  auto& store = *server.state().conversations;
  const auto message = store.add(a.key.id, {.conversation = conversation, .role = "user", .content = "only a's"});
  // What each route with an id would need to get as far as looking the id up.
  const nlohmann::ordered_json body = {{"name", "x"}, {"title", "x"}, {"content", "x"}, {"model", "m"}};
  const std::vector<nlohmann::ordered_json> bodies = {nullptr,          {{"title", "x"}},
                                                      {{"name", "x"}},  {{"content", "x"}, {"model", "m"}},
                                                      {{"model", "m"}}, {{"winner", "a"}}};
  int met = 0;
  for (const Route& route : kRouter.routes()) {
    if (route.scope() != Scope::kPage || route.pattern().find('{') == std::string::npos) continue;
    for (const std::string& id : std::vector<std::string>{conversation, folder, message.id}) {
      bool looked_up = false;
      for (const auto& one : bodies) {
        const Answer answer = server.send(route.method(), path_of(route, id), one, bearer(b.text));
        SCOPED_TRACE(route.method() + " " + route.pattern() + " " + answer.body);
        EXPECT_TRUE(answer.status == 404 || answer.status == 400);
        EXPECT_THAT(answer.body, Not(HasSubstr("secret")));
        looked_up |= answer.status == 404;
        ++met;
      }
      EXPECT_TRUE(looked_up) << route.method() << " " << route.pattern();
    }
  }
  EXPECT_GT(met, 50);
  EXPECT_EQ(store.get(a.key.id, conversation).title, "secret");
  EXPECT_TRUE(server.get("/page/conversations", bearer(b.text)).json()["conversations"].empty());
  EXPECT_TRUE(server.get("/page/conversations?q=only", bearer(b.text)).json()["conversations"].empty());
  EXPECT_TRUE(server.get("/page/export", bearer(b.text)).json()["conversations"].empty());
}

TEST_P(AccessTest, a_page_of_somebody_else_cannot_change_anything) {
  TestServer server({.database = place()});
  for (const Route& route : kRouter.routes()) {
    if (route.method() == "GET") continue;
    const std::string path = path_of(route, "x");
    EXPECT_EQ(server.send(route.method(), path, nullptr, {"Origin: http://evil.example"}).status, 403) << path;
    EXPECT_EQ(server.send(route.method(), path, nullptr, {"Sec-Fetch-Site: cross-site"}).status, 403) << path;
    EXPECT_EQ(server.send(route.method(), path, nullptr, {"Host: evil.example"}).status, 403) << path;
  }
  EXPECT_EQ(server.send("POST", "/page/folders", {{"name", "own"}}, {"Origin: " + server.server->address()}).status,
            201);
  EXPECT_EQ(server.get("/v1/models", {"Host: evil.example"}).status, 403);
  EXPECT_TRUE(server.get("/v1/models", {"Origin: http://evil.example"}).headers.count("access-control-allow-origin") ==
              0);
}

TEST_P(AccessTest, an_allowed_origin_gets_the_headers_it_needs) {
  TestServer server({.allowed_origins = {"https://chat.example"}, .database = place()});
  const Answer preflight = server.send("OPTIONS", "/v1/models", nullptr, {"Origin: https://chat.example"});
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.headers.at("access-control-allow-origin"), "https://chat.example");
  EXPECT_EQ(server.send("OPTIONS", "/v1/models", nullptr, {"Origin: https://other.example"}).status, 403);
}

TEST_P(AccessTest, a_rate_and_a_day_s_tokens_are_kept_to) {
  TestServer server({.keys = {kFixed}, .database = place()});
  Keys& keys = server.state().keys;
  const auto slow = keys.create({.name = "slow", .requests_per_minute = 2});
  EXPECT_EQ(server.get("/v1/models", bearer(slow.text)).status, 200);
  EXPECT_EQ(server.get("/v1/models", bearer(slow.text)).status, 200);
  const Answer refused = server.get("/v1/models", bearer(slow.text));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.at("retry-after"), "1");

  const auto small = keys.create({.name = "small", .tokens_per_day = 10});
  const Caller caller{.id = small.key.id};
  keys.check_quota(caller);
  keys.count_tokens(caller, 10);
  EXPECT_THROW(keys.check_quota(caller), Error);
}

TEST_P(AccessTest, keys_are_stored_as_hashes_and_outlive_the_program) {
  std::string text;
  {
    store::Database database(place());
    Keys keys(database, {});
    EXPECT_FALSE(keys.required());
    text = keys.create({.name = "ci", .scopes = {Scope::kInfer}, .models = {"m"}}).text;
    for (const auto& row : database.query("SELECT * FROM keys")) EXPECT_THAT(row.text("hash"), Not(HasSubstr(text)));
  }
  store::Database database(place());
  Keys keys(database, {});
  const auto decision = keys.check(text, Scope::kInfer);
  ASSERT_TRUE(decision.caller);
  EXPECT_EQ(decision.caller->name, "ci");
  EXPECT_NO_THROW(keys.check_model(*decision.caller, "m"));
  EXPECT_THROW(keys.check_model(*decision.caller, "other"), Error);
  EXPECT_TRUE(keys.sees_model(*decision.caller, "m"));
  EXPECT_FALSE(keys.sees_model(*decision.caller, "other"));  // and so no list shows it
  EXPECT_TRUE(keys.check(text, Scope::kManage).forbidden);
}

TEST_P(AccessTest, other_addresses_than_loopback_demand_a_key) {
  ServeOptions options{.host = "0.0.0.0", .port = 0, .data = folder.path(), .database = place()};
  EXPECT_THROW(Server{options}, Error);
}

}  // namespace
}  // namespace shenbi::server
