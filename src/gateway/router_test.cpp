// The router and the upstreams behind it, against houses that are played by the product's own HTTP server.

#include "gateway/router.h"

#include "gateway/test_house.h"

namespace shenbi::gateway {
namespace {

TEST_F(RouterTest, a_qualified_name_reaches_its_upstream_under_the_models_own_name_and_with_its_key) {
  MockHouse house(says("hi"));
  add("office", house);
  Heard heard;
  router().chat(ask("office/any-model"), heard.sink());
  EXPECT_EQ(heard.text(), "hi");
  const auto asked = house.requests();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].path, "/v1/chat/completions");
  EXPECT_EQ(asked[0].header("authorization"), "Bearer secret");
  EXPECT_EQ(nlohmann::json::parse(asked[0].body)["model"], "any-model");
}

TEST_F(RouterTest, usage_is_the_houses_own_with_its_words_kept) {
  MockHouse house(says("hi"));
  add("office", house);
  Heard heard;
  router().chat(ask("office/m"), heard.sink());
  const Event last = heard.last();
  EXPECT_EQ(last.usage.prompt_tokens, 7u);
  EXPECT_EQ(last.usage.cached_tokens, 3u);
  EXPECT_EQ(last.usage.completion_tokens, 2u);
  const auto tries = attempts();
  ASSERT_EQ(tries.size(), 1u);
  EXPECT_EQ(tries[0].outcome, Attempt::Outcome::kSettled);
  EXPECT_EQ(tries[0].tenant, "alice");
  EXPECT_EQ(tries[0].usage.cached_tokens, 3u);
  EXPECT_EQ(nlohmann::json::parse(tries[0].raw_usage)["total_tokens"], 9);
}

TEST_F(RouterTest, a_stream_that_is_cut_is_counted_by_what_came) {
  // The house says nothing of its usage; 40 letters are 10 tokens by their length, though they came in two pieces.
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    const std::string twenty = nlohmann::json{{"content", "12345678901234567890"}}.dump();
    stream(exchange, {chunk(twenty), chunk(twenty)});
  });
  add("office", house);
  Heard heard;
  router().chat(ask("office/m"), heard.sink());
  EXPECT_EQ(heard.last().kind, Event::Kind::kError);
  const auto tries = attempts();
  ASSERT_EQ(tries.size(), 1u);
  EXPECT_EQ(tries[0].outcome, Attempt::Outcome::kFailed);
  EXPECT_EQ(tries[0].usage.completion_tokens, 10u);
  EXPECT_EQ(tries[0].usage.prompt_tokens, 6u);  // "hello": 5 / 4, and 4 around the message
}

TEST_F(RouterTest, a_house_that_tells_no_usage_is_estimated) {
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    const std::string end =
        "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    stream(exchange, {chunk(nlohmann::json{{"content", "你好世界"}}.dump()), end, "data: [DONE]\n\n"});
  });
  add("office", house);
  Heard heard;
  router().chat(ask("office/m"), heard.sink());
  heard.wait();
  const auto tries = attempts();
  ASSERT_EQ(tries.size(), 1u);
  EXPECT_EQ(tries[0].outcome, Attempt::Outcome::kEstimated);
  EXPECT_EQ(tries[0].usage.completion_tokens, 4u);  // a token a character
}

TEST_F(RouterTest, what_a_house_refused_cost_nothing) {
  MockHouse house(fails(400));
  add("office", house);
  Heard heard;
  router().chat(ask("office/m"), heard.sink());
  heard.wait();
  const auto tries = attempts();
  ASSERT_EQ(tries.size(), 1u);
  EXPECT_EQ(tries[0].usage.prompt_tokens + tries[0].usage.completion_tokens, 0u);
}

TEST_F(RouterTest, a_local_model_wins_over_an_upstreams_of_the_same_name) {
  MockHouse house(says("from afar"));
  add("office", house, {"tiny"});
  Heard heard;
  router().chat(ask("tiny"), heard.sink());
  EXPECT_EQ(heard.text(), "from the engine");
  EXPECT_TRUE(house.requests().empty());
}

TEST_F(RouterTest, the_next_upstream_answers_when_the_first_fails_before_it_says_anything) {
  MockHouse bad(fails(503)), good(says("second"));
  add("a", bad, {"m"}, {"k"}, 0);
  add("b", good, {"m"}, {"k"}, 1);
  Heard heard;
  router().chat(ask("m"), heard.sink());
  EXPECT_EQ(heard.text(), "second");
  const auto tries = attempts();
  ASSERT_EQ(tries.size(), 2u);
  EXPECT_EQ(tries[0].upstream, "a");
  EXPECT_EQ(tries[0].outcome, Attempt::Outcome::kFailed);
  EXPECT_EQ(tries[1].upstream, "b");
  EXPECT_EQ(tries[1].number, 1u);
}

TEST_F(RouterTest, an_error_inside_the_stream_before_the_first_content_moves_on_too) {
  MockHouse bad([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    stream(exchange,
           {chunk(R"({"role":"assistant"})"), "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n"});
  });
  MockHouse good(says("second"));
  add("a", bad, {"m"}, {"k"}, 0);
  add("b", good, {"m"}, {"k"}, 1);
  Heard heard;
  router().chat(ask("m"), heard.sink());
  EXPECT_EQ(heard.text(), "second");
  EXPECT_EQ(attempts().at(0).usage.prompt_tokens, 0u) << "nothing was said, nothing is charged";
}

TEST_F(RouterTest, an_answer_that_breaks_off_after_it_began_is_an_error_and_is_not_asked_for_again) {
  MockHouse bad([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    stream(exchange, {chunk(R"({"content":"half a "})")});
  });
  MockHouse good(says("second"));
  add("a", bad, {"m"}, {"k"}, 0);
  add("b", good, {"m"}, {"k"}, 1);
  Heard heard;
  router().chat(ask("m"), heard.sink());
  EXPECT_EQ(heard.last().kind, Event::Kind::kError);
  EXPECT_EQ(heard.last().status, 502);
  EXPECT_TRUE(good.requests().empty());
  const auto tries = attempts();
  ASSERT_EQ(tries.size(), 1u);
  EXPECT_EQ(tries[0].usage.completion_tokens, 2u) << "the 7 letters that came will be charged";
}

TEST_F(RouterTest, what_the_caller_got_wrong_is_told_at_once) {
  MockHouse bad(fails(400)), good(says("second"));
  add("a", bad, {"m"}, {"k"}, 0);
  add("b", good, {"m"}, {"k"}, 1);
  Heard heard;
  router().chat(ask("m"), heard.sink());
  EXPECT_EQ(heard.last().status, 400);
  EXPECT_NE(heard.last().text.find("not today"), std::string::npos);
  EXPECT_TRUE(good.requests().empty());
}

TEST_F(RouterTest, a_refused_key_of_ours_is_not_the_callers_401_and_the_next_key_is_tried) {
  MockHouse house([](const net::ServerRequest& request, const net::ExchangePtr& exchange) {
    if (request.header("authorization") == "Bearer old") return fails(401)(request, exchange);
    says("with the new key")(request, exchange);
  });
  add("a", house, {"m"}, {"old", "new"});
  Heard heard;
  router().chat(ask("a/m"), heard.sink());
  EXPECT_EQ(heard.text(), "with the new key");
  Heard again;
  router().chat(ask("a/m"), again.sink());
  EXPECT_EQ(again.text(), "with the new key");
  EXPECT_EQ(house.requests().size(), 3u) << "the refused key rests";

  MockHouse closed(fails(401));
  add("c", closed, {"m"}, {"wrong"});
  Heard refused;
  router().chat(ask("c/m"), refused.sink());
  EXPECT_EQ(refused.last().status, 502);
}

TEST_F(RouterTest, an_upstream_that_is_told_to_wait_is_asked_last) {
  MockHouse busy(fails(429, {{"Retry-After", "600"}})), good(says("ok"));
  add("a", busy, {"m"}, {"k"}, 0);
  add("b", good, {"m"}, {"k"}, 1);
  for (int i = 0; i < 3; ++i) {
    Heard heard;
    router().chat(ask("m"), heard.sink());
    EXPECT_EQ(heard.text(), "ok");
  }
  EXPECT_EQ(busy.requests().size(), 1u);
  try {
    router().chat(ask("a/m"), [](Event) {});
    FAIL() << "all keys of a are cooling";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kRateLimited);
    EXPECT_NE(std::string(error.what()).find("s more"), std::string::npos) << error.what();
  }
}

TEST_F(RouterTest, weights_share_the_calls) {
  MockHouse one(says("1")), two(says("2"));
  upstreams.put({.name = "a",
                 .house = "compatible",
                 .base_url = one.url(),
                 .models = {"m"},
                 .weight = 3,
                 .private_network = true});
  upstreams.put({.name = "b",
                 .house = "compatible",
                 .base_url = two.url(),
                 .models = {"m"},
                 .weight = 1,
                 .private_network = true});
  int first = 0;
  for (int i = 0; i < 4000; ++i) first += router().targets("m").front().upstream == "a";
  EXPECT_NEAR(first, 3000, 150);  // 5 standard deviations of a binomial of 4000 and 3/4
}

TEST_F(RouterTest, a_change_of_the_configuration_counts_from_the_next_request) {
  MockHouse one(says("1")), two(says("2"));
  add("a", one);
  Heard before;
  router().chat(ask("a/m"), before.sink());
  EXPECT_EQ(before.text(), "1");
  add("a", two);
  Heard after;
  router().chat(ask("a/m"), after.sink());
  EXPECT_EQ(after.text(), "2");
  upstreams.remove("a");
  EXPECT_THROW(router().chat(ask("a/m"), [](Event) {}), Error);
}

TEST_F(RouterTest, cancelling_ends_the_call_at_the_house_and_counts_what_came) {
  std::mutex mutex;
  std::condition_variable left;
  bool gone = false;
  net::ExchangePtr open;
  MockHouse house([&](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->on_gone([&] {
      std::lock_guard lock(mutex);
      gone = true;
      left.notify_all();
    });
    exchange->begin(200, {{"Content-Type", "text/event-stream"}});
    exchange->write(chunk(R"({"content":"one"})"));
    std::lock_guard lock(mutex);
    open = exchange;
  });
  add("a", house);
  Heard heard;
  const CallPtr call = router().chat(ask("a/m"), heard.sink());
  heard.wait_for_text();
  call->cancel();
  EXPECT_EQ(heard.last().finish, chat::Finish::kCancelled);
  std::unique_lock lock(mutex);
  EXPECT_TRUE(left.wait_for(lock, 60s, [&] { return gone; }));
  open.reset();
  const auto tries = attempts();
  ASSERT_EQ(tries.size(), 1u);
  EXPECT_EQ(tries[0].outcome, Attempt::Outcome::kAborted);
  EXPECT_EQ(tries[0].usage.completion_tokens, 1u);
}

TEST_F(RouterTest, a_house_that_does_not_keep_strict_tools_says_so_in_its_answer) {
  MockHouse house(says("hi"));
  upstreams.put({.name = "d", .house = "deepseek", .base_url = house.url(), .keys = {"k"}, .private_network = true});
  chat::ChatRequest request = ask("d/m");
  request.tools.push_back({.name = "f", .parameters = {{"type", "object"}}, .strict = true});
  Heard heard;
  router().chat(std::move(request), heard.sink());
  std::vector<std::string> warnings;
  for (const Event& event : heard.wait()) {
    if (event.kind == Event::Kind::kWarning) warnings.push_back(event.text);
  }
  EXPECT_EQ(warnings, std::vector<std::string>{"strict: DeepSeek does not keep calls to their schema"});
}

TEST_F(RouterTest, a_house_that_cannot_be_reached_is_named) {
  upstreams.put({.name = "nobody",
                 .house = "compatible",
                 .base_url = "http://127.0.0.1:1/v1",
                 .models = {"m"},
                 .private_network = true});
  Heard heard;
  router().chat(ask("nobody/m"), heard.sink());
  EXPECT_EQ(heard.last().status, 502);
  EXPECT_NE(heard.last().text.find("nobody"), std::string::npos) << heard.last().text;
}

TEST_F(RouterTest, a_private_address_is_not_reached_unless_the_operator_said_so) {
  MockHouse house(says("inside"));
  const std::string port = house.url().substr(house.url().rfind(':'));
  for (const std::string host : {"127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "[::ffff:127.0.0.1]"}) {
    upstreams.put({.name = "sly", .house = "compatible", .base_url = "http://" + host + port, .models = {"m"}});
    Heard heard;
    router().chat(ask("sly/m"), heard.sink());
    EXPECT_EQ(heard.last().kind, Event::Kind::kError) << host;
  }
  EXPECT_TRUE(house.requests().empty());
}

TEST_F(RouterTest, models_of_upstreams_are_listed_under_their_name) {
  MockHouse house(says("x"));
  add("office", house, {"one", "two"});
  std::vector<std::string> ids;
  for (const ModelInfo& model : router().models()) ids.push_back(model.id);
  EXPECT_EQ(ids, (std::vector<std::string>{"tiny", "office/one", "office/two"}));
}

TEST_F(RouterTest, a_model_name_that_climbs_out_of_the_path_is_refused) {
  MockHouse house(says("x"));
  upstreams.put({.name = "g", .house = "gemini", .base_url = house.url(), .keys = {"k"}, .private_network = true});
  for (const char* name : {"g/../../admin", "g/a b", "g/"}) {
    EXPECT_THROW(router().chat(ask(name), [](Event) {}), Error) << name;
  }
  EXPECT_TRUE(house.requests().empty());
}

TEST_F(RouterTest, embeddings_come_back_in_the_order_they_were_asked_for) {
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->send({.status = 200,
                    .headers = {{"Content-Type", "application/json"}},
                    .body = R"({"data":[{"index":1,"embedding":[0,1]},{"index":0,"embedding":[1,0]}],)"
                            R"("usage":{"prompt_tokens":5}})"});
  });
  add("office", house);
  const Embeddings found = router().embed({.model = "office/m", .inputs = {"a", "b"}}, {});
  ASSERT_EQ(found.vectors.size(), 2u);
  EXPECT_EQ(found.vectors[0], (std::vector<float>{1, 0}));
  EXPECT_EQ(found.tokens, 5u);
}

TEST_F(RouterTest, ends_while_calls_are_running) {
  net::ExchangePtr open;
  MockHouse house([&](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->begin(200, {{"Content-Type", "text/event-stream"}});
    exchange->write(chunk(R"({"content":"one"})"));
    open = exchange;
  });
  add("a", house);
  Heard heard;
  {
    Router short_lived(std::make_shared<Engine>(), upstreams);
    short_lived.chat(ask("a/m"), heard.sink());
    heard.wait_for_text();
  }
  EXPECT_EQ(heard.last().finish, chat::Finish::kCancelled);
}

}  // namespace
}  // namespace shenbi::gateway
