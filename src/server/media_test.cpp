// Pictures, sounds and films over a real server in front of a played house, on both sides of the store: who may, what
// it costs, and what becomes of a job whose program ends. Prices are of the program's catalog: sora-2 0.1 $ a second,
// sd3.5-large 0.065 $ an image, whisper-1 0.0001 $ a second.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <thread>

#include "net/server.h"
#include "server/media_jobs.h"
#include "server/media_runner.h"
#include "server/test_both_sides.h"

namespace shenbi::server {
namespace {

using chat::OrderedJson;
using ::testing::HasSubstr;
using testing::TestServer;
using Bearer = std::vector<std::string>;

constexpr int64_t kDollar = 1'000'000'000;  // nano-dollars

// A house of OpenAI's dialect: its films are what the test says they are.
class FilmHouse {
 public:
  FilmHouse()
      : server_(
            {.threads = 1}, [](const net::ServerRequest&) { return std::nullopt; },
            [this](net::ServerRequest request, net::ExchangePtr exchange) { answer(request, exchange); }) {
    server_.start();
  }
  ~FilmHouse() { server_.stop(std::chrono::milliseconds(0)); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()) + "/v1"; }
  void says(const std::string& state) {
    set([&] { state_ = state; });
  }
  void refuses(int status) {
    set([&] { refusal_ = status; });
  }
  void film(const std::string& bytes) {
    set([&] { film_ = bytes; });
  }
  void redirects(const std::string& address) {
    set([&] { redirect_ = address; });
  }
  int asked(const std::string& what) {
    std::lock_guard lock(mutex_);
    return counts_[what];
  }
  void wait_for(const std::string& what, int count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(60), [&] { return counts_[what] >= count; })) << what;
  }

 private:
  template <class Change>
  void set(Change change) {
    std::lock_guard lock(mutex_);
    change();
  }

  void answer(const net::ServerRequest& request, const net::ExchangePtr& exchange) {
    std::lock_guard lock(mutex_);
    const auto send = [&](int status, std::string body, std::string type = "application/json") {
      exchange->send({.status = status, .headers = {{"Content-Type", type}}, .body = std::move(body)});
    };
    const auto count = [&](const std::string& what) {
      ++counts_[what];
      changed_.notify_all();
    };
    if (request.path == "/v1/models") return send(404, "{}");
    if (refusal_ > 0) {
      count("refused");
      return send(refusal_, R"({"error":{"message":"not today"}})");
    }
    if (request.path == "/v1/images/generations")
      return send(200, R"({"data":[{"url":"https://x/1.png"},{"url":"https://x/2.png"}]})");
    if (request.path == "/elsewhere") return send(200, film_, "video/mp4");
    if (request.path.ends_with("/content")) {
      count("fetched");
      if (!redirect_.empty()) return exchange->send({.status = 302, .headers = {{"Location", redirect_}}, .body = {}});
      return send(200, film_, "text/html");
    }
    if (request.method == "DELETE") {
      count("cancelled");
      return send(200, R"({"id":"video_at_house","deleted":true})");
    }
    count(request.method == "POST" ? "sent" : "looked");
    send(200, request.method == "POST" ? R"({"id":"video_at_house","status":"queued","seconds":"8"})" : state_);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> counts_;
  std::string state_ = R"({"id":"video_at_house","status":"in_progress","progress":40,"seconds":"8","size":"1x1"})";
  std::string film_ = "a film", redirect_;
  int refusal_ = 0;
  net::HttpServer server_;  // last: it calls the above
};

const std::string kDone = R"({"id":"video_at_house","status":"completed","progress":100,"seconds":"8"})";

class Media : public testing::OnBothSides {
 protected:
  Media() : server({.keys = {kFixed}, .database = place()}) { add(); }

  static constexpr const char* kFixed = "a-fixed-key-of-the-test";

  void add() {
    server.state().upstreams.put({.name = "films",
                                  .house = "compatible",
                                  .base_url = house.url(),
                                  .keys = {"sk-of-the-operator"},
                                  .settings = {{"prices", "openai"}},
                                  .models = {"sora-2"},
                                  .private_network = true});
    server.state().upstreams.put({.name = "pictures",
                                  .house = "compatible",
                                  .base_url = house.url(),
                                  .settings = {{"prices", "stability"}},
                                  .models = {"sd3.5-large"},
                                  .private_network = true});
  }
  // The end of a program and the start of the next one on what it left.
  void restart() {
    const ServeOptions options = server.state().options;
    server.server = nullptr;
    server.server = std::make_unique<Server>(options);
    server.server->start();
  }
  testing::Answer ask(const std::string& method, const std::string& path, const OrderedJson& body = {},
                      const std::string& key = kFixed) {
    return server.send(method, path, body, {"Authorization: Bearer " + key, "Content-Type: application/json"});
  }
  std::string film(const OrderedJson& more = OrderedJson::object()) {
    OrderedJson body = {{"model", "films/sora-2"}, {"prompt", "a cat"}, {"seconds", "8"}};
    body.update(more);
    const auto made = ask("POST", "/v1/videos", body);
    EXPECT_EQ(made.status, 200) << made.body;
    EXPECT_EQ(made.json()["status"], "queued");
    return made.json().value("id", "");
  }
  OrderedJson wait_for(const std::string& id, const std::string& status) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    OrderedJson last;
    while (std::chrono::steady_clock::now() < end) {
      last = ask("GET", "/v1/videos/" + id).json();
      if (last.value("status", "") == status) return last;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ADD_FAILURE() << "never " << status << ": " << last;
    return last;
  }
  std::vector<ledger::Row> rows() {
    EXPECT_TRUE(server.state().ledger.flush());
    return server.state().ledger.rows({}, 0, 100);
  }
  void wait_for_rows(size_t count) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (rows().size() < count && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(rows().size(), count);
  }
  void budget(double dollars) {
    server.state().budgets.put({.name = "all", .limit = static_cast<int64_t>(dollars * kDollar)});
  }
  void expect_budget(int64_t spent, int64_t reserved) {
    const ledger::BudgetState now = server.state().budgets.states().at(0);
    EXPECT_EQ(now.spent, spent);
    EXPECT_EQ(now.reserved, reserved);
  }

  FilmHouse house;
  TestServer server;
};

INSTANTIATE_TEST_SUITE_P(On, Media, store::kSides, store::side_name);

TEST_P(Media, a_film_is_sent_looked_after_fetched_and_paid_by_the_second) {
  const std::string id = film();
  house.wait_for("looked", 1);
  const auto running = wait_for(id, "in_progress");
  EXPECT_EQ(running["progress"], 40);
  EXPECT_EQ(running["model"], "films/sora-2");
  EXPECT_EQ(running["prompt"], "a cat");
  EXPECT_THAT(ask("GET", "/v1/videos/" + id + "/content").body, HasSubstr("is in_progress: it has no content"));
  house.says(kDone);
  const auto done = wait_for(id, "completed");
  EXPECT_EQ(done["progress"], 100);
  EXPECT_EQ(done["seconds"], "8");
  EXPECT_GT(done["expires_at"], done["completed_at"]);
  const auto content = ask("GET", "/v1/videos/" + id + "/content");
  EXPECT_EQ(content.body, "a film");
  EXPECT_EQ(content.headers.at("content-type"), "video/mp4");  // whatever its house called it
  EXPECT_EQ(content.headers.at("content-security-policy"), "sandbox");
  EXPECT_EQ(ask("GET", "/v1/videos/" + id + "/content?variant=thumbnail").status, 400);
  EXPECT_EQ(ask("GET", "/v1/files").json()["data"][0]["purpose"], "media_output");
  wait_for_rows(1);
  const auto row = rows()[0];
  EXPECT_EQ(row.cost_nano_usd, 8 * kDollar / 10);  // 8 s at 0.1 $
  EXPECT_EQ(row.outcome, ledger::Outcome::kSettled);
  EXPECT_EQ(row.model, "sora-2");
  EXPECT_EQ(row.wanted, "films/sora-2");
  EXPECT_EQ(ask("DELETE", "/v1/videos/" + id).json()["deleted"], true);
  EXPECT_EQ(ask("GET", "/v1/videos/" + id).status, 404);
  EXPECT_TRUE(ask("GET", "/v1/files").json()["data"].empty());
  EXPECT_EQ(house.asked("cancelled"), 0);  // there was nothing left to stop
}

TEST_P(Media, a_job_is_gone_on_with_after_a_restart_and_paid_once) {
  budget(1);
  const std::string id = film();
  house.wait_for("looked", 1);
  expect_budget(0, 8 * kDollar / 10);
  restart();
  // Nothing else may begin for it: 0.8 $ of 1 $ are taken, by the note of the run that ended.
  EXPECT_EQ(ask("POST", "/v1/videos", {{"model", "films/sora-2"}, {"prompt", "x"}, {"seconds", 4}}).status, 429);
  house.says(kDone);
  wait_for(id, "completed");
  EXPECT_EQ(ask("GET", "/v1/videos/" + id + "/content").body, "a film");
  EXPECT_EQ(house.asked("sent"), 1);
  const auto settled = [&] {
    const auto all = rows();
    return all.size() == 1 && all[0].outcome == ledger::Outcome::kSettled;
  };
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!settled() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  ASSERT_EQ(rows().size(), 1u);
  EXPECT_EQ(rows()[0].outcome, ledger::Outcome::kSettled);
  EXPECT_EQ(rows()[0].cost_nano_usd, 8 * kDollar / 10);
  server.state().budgets.recount();
  expect_budget(8 * kDollar / 10, 0);
}

TEST_P(Media, a_job_that_was_being_sent_when_the_program_ended_says_so) {
  auto request =
      gateway::read_media(gateway::MediaKind::kVideo, "application/json", R"({"model":"films/sora-2","prompt":"x"})");
  const std::string id = server.state().media_jobs->create("local", request).id;
  if (is_shared()) {  // another program is gone when it no longer beats
    server.state().media_jobs->forget(id);
    return;
  }
  restart();
  const auto one = server.state().media_jobs->find(id);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->job.state, gateway::JobState::kFailed);
  EXPECT_EQ(one->job.code, "interrupted");
  EXPECT_THAT(one->job.error, HasSubstr("is not known"));
}

TEST_P(Media, a_budget_holds_the_most_that_a_film_may_cost_before_it_is_sent) {
  budget(1);
  // 12 s where nothing is said: 1.2 $
  const auto long_one = ask("POST", "/v1/videos", {{"model", "films/sora-2"}, {"prompt", "x"}});
  EXPECT_EQ(long_one.status, 429) << long_one.body;
  EXPECT_EQ(house.asked("sent"), 0);
  const std::string id = film();
  expect_budget(0, 8 * kDollar / 10);
  EXPECT_EQ(ask("POST", "/v1/videos", {{"model", "films/sora-2"}, {"prompt", "x"}, {"seconds", 4}}).status, 429);
  house.says(R"({"id":"video_at_house","status":"failed","error":{"code":"moderation","message":"not this"}})");
  const auto failed = wait_for(id, "failed");
  EXPECT_EQ(failed["error"], (OrderedJson{{"code", "moderation"}, {"message", "not this"}}));
  wait_for_rows(1);
  EXPECT_EQ(rows()[0].outcome, ledger::Outcome::kFailed);
  EXPECT_EQ(rows()[0].cost_nano_usd, 0);
  expect_budget(0, 0);
}

TEST_P(Media, a_job_is_cancelled_by_its_name_and_counts_as_it_was_asked_for) {
  budget(1);
  const std::string id = film();
  EXPECT_EQ(ask("DELETE", "/v1/videos/" + id).json(),
            (OrderedJson{{"id", id}, {"object", "video.deleted"}, {"deleted", true}}));
  EXPECT_EQ(house.asked("cancelled"), 1);
  EXPECT_EQ(ask("GET", "/v1/videos/" + id).status, 404);
  EXPECT_EQ(ask("DELETE", "/v1/videos/" + id).status, 404);
  wait_for_rows(1);
  EXPECT_EQ(rows()[0].outcome, ledger::Outcome::kAborted);
  EXPECT_EQ(rows()[0].cost_nano_usd, 8 * kDollar / 10);
  expect_budget(8 * kDollar / 10, 0);
}

TEST_P(Media, nobody_else_sees_a_job) {
  const auto other = server.state().keys.create({.name = "other", .scopes = {Scope::kInfer}});
  const auto reader = server.state().keys.create({.name = "reader", .scopes = {Scope::kRead}});
  const auto bound = server.state().keys.create({.name = "bound", .scopes = {Scope::kInfer}, .models = {"tiny"}});
  const std::string id = film();
  for (const std::string& path : {"/v1/videos/" + id, "/v1/videos/" + id + "/content"})
    EXPECT_EQ(ask("GET", path, {}, other.text).status, 404) << path;
  EXPECT_EQ(ask("DELETE", "/v1/videos/" + id, {}, other.text).status, 404);
  EXPECT_TRUE(ask("GET", "/v1/videos", {}, other.text).json()["data"].empty());
  EXPECT_EQ(ask("GET", "/v1/videos").json()["data"][0]["id"], id);
  EXPECT_EQ(ask("GET", "/v1/videos", {}, reader.text).status, 403);
  const OrderedJson body = {{"model", "films/sora-2"}, {"prompt", "x"}};
  EXPECT_EQ(ask("POST", "/v1/videos", body, bound.text).status, 404);
  EXPECT_EQ(ask("POST", "/v1/images/generations", body, bound.text).status, 404);
  EXPECT_EQ(ask("POST", "/v1/images/generations", body, reader.text).status, 403);
  EXPECT_EQ(house.asked("sent"), 1);
}

TEST_P(Media, a_result_is_never_fetched_from_elsewhere_in_the_private_network) {
  FilmHouse inside;
  house.says(kDone);
  house.redirects(inside.url().substr(0, inside.url().size() - 3) + "/elsewhere");
  const std::string id = film();
  const auto failed = wait_for(id, "failed");
  EXPECT_EQ(failed["error"]["message"],
            "films: 127.0.0.1: leads to this machine or a private network, which is not allowed");
  wait_for_rows(1);
  EXPECT_EQ(rows()[0].outcome, ledger::Outcome::kAborted);  // the film was made
  house.redirects("/elsewhere");                            // of the house itself
  house.film("the film");
  const std::string other = film();
  wait_for(other, "completed");
  EXPECT_EQ(ask("GET", "/v1/videos/" + other + "/content").body, "the film");
}

TEST_P(Media, a_result_is_fetched_again_after_what_passes) {
  house.says(kDone);
  house.film("");  // 200 and nothing
  const std::string id = film();
  house.wait_for("fetched", 2);
  EXPECT_EQ(ask("GET", "/v1/videos/" + id).json()["status"], "in_progress");
  house.film("the film");
  wait_for(id, "completed");
}

TEST_P(Media, a_house_that_refuses_a_job_leaves_nothing_behind) {
  house.refuses(400);
  const auto refused = ask("POST", "/v1/videos", {{"model", "films/sora-2"}, {"prompt", "x"}});
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("films: not today (status 400)"));
  EXPECT_TRUE(ask("GET", "/v1/videos").json()["data"].empty());
  wait_for_rows(1);
  EXPECT_EQ(rows()[0].outcome, ledger::Outcome::kFailed);
  EXPECT_EQ(rows()[0].cost_nano_usd, 0);
}

TEST_P(Media, pictures_cost_what_the_catalog_says_of_each) {
  const auto made = ask("POST", "/v1/images/generations",
                        {{"model", "pictures/sd3.5-large"}, {"prompt", "x"}, {"n", 2}, {"of_next_year", true}});
  EXPECT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.json()["data"].size(), 2u);
  EXPECT_EQ(made.headers.at("x-shenbi-model"), "pictures/sd3.5-large");
  EXPECT_EQ(made.headers.at("x-shenbi-route"), "named");
  wait_for_rows(1);
  EXPECT_EQ(rows()[0].cost_nano_usd, 2 * 65 * kDollar / 1000);  // 0.065 $ each
  budget(0.2);                                                  // of which 0.13 $ are spent
  const OrderedJson again = {{"model", "pictures/sd3.5-large"}, {"prompt", "x"}, {"n", 2}};
  EXPECT_EQ(ask("POST", "/v1/images/generations", again).status, 429);
  const OrderedJson one = {{"model", "pictures/sd3.5-large"}, {"prompt", "x"}};
  EXPECT_EQ(ask("POST", "/v1/images/generations", one).status, 200);  // asked for 1, says 2: 0.13 $ it is
  wait_for_rows(2);
  expect_budget(4 * 65 * kDollar / 1000, 0);
}

TEST_P(Media, what_makes_no_media_says_so_by_name) {
  const auto none = ask("POST", "/v1/audio/speech", {{"model", "none"}, {"input", "x"}, {"voice", "y"}});
  EXPECT_EQ(none.status, 404);
  EXPECT_THAT(none.body, HasSubstr("'none' is not here"));
  const auto film = ask("POST", "/v1/videos", {{"model", "none"}, {"prompt", "x"}});
  EXPECT_EQ(film.status, 404);
  EXPECT_TRUE(ask("GET", "/v1/videos").json()["data"].empty());
}

}  // namespace
}  // namespace shenbi::server
