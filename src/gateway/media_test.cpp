// Pictures and sounds through the router: what a house of OpenAI's dialect is sent and says, and what the ledger hears.

#include "gateway/media.h"

#include "gateway/test_house.h"

namespace shenbi::gateway {
namespace {

const std::string kImages = R"({"created":1,"data":[{"url":"https://x/1.png"},{"url":"https://x/2.png"}]})";

std::string form(const std::vector<std::pair<std::string, std::string>>& fields, const std::string& file = {}) {
  std::string body;
  for (const auto& [name, value] : fields)
    body += "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  if (!file.empty())
    body +=
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n" +
        file + "\r\n";
  return body + "--b--\r\n";
}
constexpr std::string_view kForm = "multipart/form-data; boundary=b";

MockHouse::Answer sends(int status, std::string type, std::string body) {
  return [=](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->send({.status = status, .headers = {{"Content-Type", type}}, .body = body});
  };
}

class MediaTest : public RouterTest {
 protected:
  struct Came {
    std::string type, bytes;
    bool whole = false;
    Event last;
  };
  Came ask(MediaKind kind, std::string body, std::string_view type = "application/json") {
    MediaRequest request = read_media(kind, type, std::move(body));
    request.tenant = "alice";
    Came came;
    Heard heard;
    const auto call = router().media(request,
                                     {.head =
                                          [&](std::string_view t, bool whole) {
                                            came.type = t;
                                            came.whole = whole;
                                          },
                                      .bytes = [&](std::string_view bytes) { came.bytes += bytes; }},
                                     heard.sink());
    came.last = heard.last();
    return came;
  }
};

TEST_F(MediaTest, a_request_goes_through_as_it_was_written_but_for_the_models_name) {
  MockHouse house(sends(200, "application/json", kImages));
  add("a", house);
  const Came came = ask(MediaKind::kImage, R"({ "prompt":"cat", "model" : "a/m","n":2, "of_next_year":[1] })");
  EXPECT_EQ(came.bytes, kImages);
  EXPECT_TRUE(came.whole);
  ASSERT_EQ(house.requests().size(), 1u);
  EXPECT_EQ(house.requests()[0].path, "/v1/images/generations");
  EXPECT_EQ(house.requests()[0].body, R"({ "prompt":"cat", "model" : "m","n":2, "of_next_year":[1] })");
  EXPECT_EQ(house.requests()[0].header("authorization"), "Bearer secret");
  wait_attempts(1);
  EXPECT_EQ(attempts()[0].outcome, Attempt::Outcome::kSettled);
  EXPECT_EQ(attempts()[0].media, (MediaUse{.images = 2}));
  EXPECT_EQ(attempts()[0].upstream, "a");
  EXPECT_EQ(attempts()[0].tenant, "alice");
}

TEST_F(MediaTest, a_form_goes_through_with_its_files_and_its_boundary) {
  MockHouse house(sends(200, "application/json", R"({"text":"hello","usage":{"type":"duration","seconds":3}})"));
  add("a", house);
  const std::string sent = form({{"model", "a/m"}, {"language", "de"}}, "RIFF....");
  const Came came = ask(MediaKind::kTranscription, sent, kForm);
  EXPECT_EQ(came.last.kind, Event::Kind::kFinish) << came.last.text;
  EXPECT_EQ(house.requests()[0].body, form({{"model", "m"}, {"language", "de"}}, "RIFF...."));
  EXPECT_EQ(house.requests()[0].header("content-type"), kForm);
  wait_attempts(1);
  EXPECT_EQ(attempts()[0].media, (MediaUse{.milliseconds = 3000}));
  EXPECT_EQ(attempts()[0].outcome, Attempt::Outcome::kSettled);
}

TEST_F(MediaTest, speech_is_handed_on_as_it_is_made_and_never_as_a_page) {
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->begin(200, {{"Content-Type", "text/html"}});
    exchange->write("ab");
    exchange->write(std::string("\0\xff", 2));
    exchange->end();
  });
  add("a", house);
  const Came came = ask(MediaKind::kSpeech, R"({"model":"a/m","input":"你好 there","voice":"alloy"})");
  EXPECT_EQ(came.bytes, std::string("ab\0\xff", 4));
  EXPECT_EQ(came.type, "application/octet-stream");
  EXPECT_FALSE(came.whole);
  wait_attempts(1);
  EXPECT_EQ(attempts()[0].media->characters, 8u);
  EXPECT_EQ(attempts()[0].outcome, Attempt::Outcome::kEstimated);
  // 6 characters at 15 a second and 2 at 4.5: 0.4 s + 0.444 s
  EXPECT_EQ(attempts()[0].media->milliseconds, 845u);
}

TEST_F(MediaTest, what_is_no_answer_is_an_error_and_the_next_is_asked) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"application/json", R"({"error":{"message":"not today"}})"},
      {"application/json", R"({"created":1,"data":[]})"},
      {"application/json", R"({"created":1,"data":[{"b64_json":7}]})"},
      {"application/json", R"({"created":1,"da)"},
      {"text/html", "<html>"},
      {"application/json", ""}};
  for (const auto& [type, body] : wrong) {
    MockHouse bad(sends(200, type, body));
    MockHouse good(sends(200, "application/json", kImages));
    add("bad", bad, {"both"}, {"secret"}, 0);
    add("good", good, {"both"}, {"secret"}, 1);
    const Came came = ask(MediaKind::kImage, R"({"model":"both","prompt":"x"})");
    EXPECT_EQ(came.bytes, kImages) << body;
    EXPECT_EQ(came.last.kind, Event::Kind::kFinish);
  }
  const auto all = attempts();
  ASSERT_EQ(all.size(), 2 * wrong.size());
  for (size_t i = 0; i < all.size(); i += 2) {
    EXPECT_EQ(all[i].outcome, Attempt::Outcome::kFailed);
    EXPECT_EQ(all[i].media, MediaUse{}) << "what failed before it began costs nothing";
    EXPECT_EQ(all[i].status, 502) << all[i].error;
    EXPECT_EQ(all[i + 1].media, (MediaUse{.images = 2}));
  }
}

TEST_F(MediaTest, what_the_caller_got_wrong_is_told_at_once_and_a_refused_key_is_not_his) {
  MockHouse house(fails(400)), locked(fails(401));
  add("a", house);
  add("b", locked);
  EXPECT_EQ(ask(MediaKind::kImage, R"({"model":"a/m","prompt":"x"})").last.status, 400);
  const Came came = ask(MediaKind::kImage, R"({"model":"b/m","prompt":"x"})");
  EXPECT_EQ(came.last.status, 502);
  EXPECT_EQ(came.last.text, "b: not today (status 401)");
}

TEST_F(MediaTest, a_sound_that_breaks_off_fails_with_what_was_asked_for) {
  std::mutex mutex;
  net::ExchangePtr held;
  MockHouse house([&](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    exchange->begin(200, {{"Content-Type", "audio/mpeg"}});
    std::lock_guard lock(mutex);
    held = exchange;
    exchange->write("half");
  });
  add("a", house);
  std::string bytes;
  Heard heard;
  const auto call = router().media(
      read_media(MediaKind::kSpeech, "application/json", R"({"model":"a/m","input":"four"})"),
      {.head = [](std::string_view, bool) {}, .bytes = [&](std::string_view more) { bytes += more; }}, heard.sink());
  heard.wait_for_text();
  {
    std::lock_guard lock(mutex);
    held = nullptr;
  }
  EXPECT_EQ(heard.last().kind, Event::Kind::kError);
  EXPECT_EQ(bytes, "half");
  wait_attempts(1);
  EXPECT_EQ(attempts()[0].outcome, Attempt::Outcome::kFailed);
  EXPECT_EQ(attempts()[0].media->characters, 4u);
}

TEST_F(MediaTest, a_key_that_an_upstream_repeats_is_hidden) {
  MockHouse house(sends(200, "application/json", R"({"text":"sk-very-secret-key-of-ours"})"));
  add("a", house, {"m"}, {"sk-very-secret-key-of-ours"});
  EXPECT_EQ(ask(MediaKind::kTranscription, form({{"model", "a/m"}}, "x"), kForm).bytes, R"({"text":"****"})");
}

TEST_F(MediaTest, usage_that_a_house_tells_is_kept_beside_what_is_counted) {
  MockHouse house(sends(200, "application/json",
                        R"({"data":[{"b64_json":"aGk="}],"usage":{"input_tokens":9,"output_tokens":1056,)"
                        R"("input_tokens_details":{"text_tokens":9,"image_tokens":0}}})"));
  add("a", house);
  ask(MediaKind::kImage, R"({"model":"a/m","prompt":"x"})");
  wait_attempts(1);
  EXPECT_EQ(attempts()[0].usage.prompt_tokens, 9u);
  EXPECT_EQ(attempts()[0].usage.completion_tokens, 1056u);
  EXPECT_EQ(attempts()[0].media, (MediaUse{.images = 1}));
}

TEST_F(MediaTest, a_stream_of_pictures_is_counted_by_its_last_events) {
  MockHouse house([](const net::ServerRequest&, const net::ExchangePtr& exchange) {
    stream(exchange, {"event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\"}\n\n",
                      "event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\","
                      "\"b64_json\":\"aGk=\",\"usage\":{\"input_tokens\":5,\"output_tokens\":7}}\n\n"});
  });
  add("a", house);
  const Came came = ask(MediaKind::kImage, R"({"model":"a/m","prompt":"x","stream":true})");
  EXPECT_EQ(came.type, "text/event-stream");
  EXPECT_NE(came.bytes.find("partial_image"), std::string::npos);
  wait_attempts(1);
  EXPECT_EQ(attempts()[0].media, (MediaUse{.images = 1}));
  EXPECT_EQ(attempts()[0].usage.completion_tokens, 7u);
}

TEST_F(MediaTest, the_engine_and_a_house_without_the_kind_say_so_by_name) {
  upstreams.put({.name = "deep", .house = "deepseek", .keys = {"secret"}});
  const auto why = [&](const std::string& model, MediaKind kind, const std::string& body) -> std::string {
    try {
      ask(kind, body);
    } catch (const Error& error) {
      const int status = code_info(error.code()).http_status;
      EXPECT_TRUE(status == 400 || status == 404) << model << " " << status;
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(why("tiny", MediaKind::kImage, R"({"model":"tiny","prompt":"x"})"),
            "model: 'tiny' makes text and no images");
  EXPECT_EQ(why("none", MediaKind::kSpeech, R"({"model":"none","input":"x"})"),
            "model 'none' is not here, and no upstream offers it");
  EXPECT_EQ(why("deep", MediaKind::kImage, R"({"model":"deep/m","prompt":"x"})"),
            "model: DeepSeek offers no images here");
}

TEST(MediaRequests, name_the_field_that_is_missing_or_wrong) {
  const auto why = [](MediaKind kind, const std::string& body, std::string_view type = "application/json") {
    try {
      read_media(kind, type, body);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kInvalidArgument);
      return std::string(error.what());
    }
    return std::string("taken");
  };
  EXPECT_EQ(why(MediaKind::kImage, R"({"prompt":"x"})"), "model: is required");
  EXPECT_EQ(why(MediaKind::kImage, R"({"model":"m"})"), "prompt: is required");
  EXPECT_EQ(why(MediaKind::kImage, R"({"model":"m","prompt":["x"]})"), "prompt: expected a string, found a list");
  EXPECT_EQ(why(MediaKind::kImage, R"({"model":"m","prompt":"x","n":0})"), "n: must be a whole number from 1 to 100");
  EXPECT_EQ(why(MediaKind::kImage, R"({"model":"m","prompt":"x","n":1.5})"), "n: must be a whole number from 1 to 100");
  EXPECT_EQ(why(MediaKind::kImage, R"({"model":"m","model":"n","prompt":"x"})"), "model: it is given twice");
  EXPECT_EQ(why(MediaKind::kImageEdit, R"({"model":"m","prompt":"x"})"), "image: is required");
  EXPECT_EQ(why(MediaKind::kSpeech, R"({"model":"m"})"), "input: is required");
  EXPECT_EQ(why(MediaKind::kTranscription, R"({"model":"m"})"), "file: is required, as a file of a form");
  EXPECT_EQ(why(MediaKind::kTranscription, form({{"model", "m"}, {"model", "n"}}, "x"), kForm),
            "model: is given twice");
  EXPECT_EQ(why(MediaKind::kVideo, R"({"model":"m","prompt":"x","seconds":"4.5"})"),
            "seconds: must be a whole number from 1 to 3600");
}

TEST(MediaRequests, know_what_they_may_come_to) {
  const auto most = [](MediaKind kind, const std::string& body, std::string_view type = "application/json") {
    return read_media(kind, type, body).most;
  };
  EXPECT_EQ(most(MediaKind::kImage, R"({"model":"m","prompt":"x","n":3})"), (MediaUse{.images = 3}));
  EXPECT_EQ(most(MediaKind::kVideo, R"({"model":"m","prompt":"x","seconds":"8"})"), (MediaUse{.milliseconds = 8000}));
  EXPECT_EQ(most(MediaKind::kVideo, R"({"model":"m","prompt":"x"})"), (MediaUse{.milliseconds = 12'000}));
  // 2 characters, half a second each at most
  EXPECT_EQ(most(MediaKind::kSpeech, R"({"model":"m","input":"你好"})"),
            (MediaUse{.milliseconds = 1000, .characters = 2}));
  // 2,500 bytes at 1,000 a second at least, whole seconds
  EXPECT_EQ(most(MediaKind::kTranscription, form({{"model", "m"}}, std::string(2500, 'x')), kForm),
            (MediaUse{.milliseconds = 3000}));
}

}  // namespace
}  // namespace shenbi::gateway
