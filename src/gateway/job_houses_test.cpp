// Houses that work in tasks: what each is sent, how its states are read, and callers who wait for a task's end.

#include <fmt/format.h>

#include "gateway/media.h"
#include "gateway/test_house.h"

namespace shenbi::gateway {
namespace {

using Json = nlohmann::json;

class JobHouses : public RouterTest {
 protected:
  JobHouses() { remote.look_every = 1ms; }

  struct Answer {
    int status;
    std::string body;
  };
  // A house that answers each request with the next of `answers`, and from then on with the last.
  MockHouse& played(const std::string& house, std::vector<Answer> answers, int64_t whole_timeout_s = 0) {
    auto next = std::make_shared<size_t>(0);
    houses_.push_back(std::make_unique<MockHouse>(
        [=](const net::ServerRequest&, const net::ExchangePtr& exchange) {
          const Answer& answer = answers[std::min((*next)++, answers.size() - 1)];
          exchange->send(
              {.status = answer.status, .headers = {{"Content-Type", "application/json"}}, .body = answer.body});
        },
        true));
    upstreams.put({.name = "a",
                   .house = house,
                   .base_url = houses_.back()->url(),
                   .keys = {"key-of-the-operator"},
                   .models = {"m"},
                   .whole_timeout_s = whole_timeout_s,
                   .private_network = true});
    return *houses_.back();
  }

  CallPtr begin(Json body, Heard& heard, std::string* bytes = nullptr) {
    body["model"] = "a/" + body.value("model", std::string("m"));
    return router().media(read_media(MediaKind::kImage, "application/json", body.dump()),
                          {.head = [](std::string_view, bool) {},
                           .bytes =
                               [bytes](std::string_view more) {
                                 if (bytes) *bytes += more;
                               }},
                          heard.sink());
  }
  struct Came {
    std::string bytes;
    Event last;
  };
  Came paint(Json body) {
    Came came;
    Heard heard;
    const CallPtr call = begin(std::move(body), heard, &came.bytes);
    came.last = heard.last();
    return came;
  }
  MediaRequest film(Json body) {
    body["model"] = "a/" + body.value("model", std::string("m"));
    return read_media(MediaKind::kVideo, "application/json", body.dump());
  }
  std::string why_no_film(Json body) {
    try {
      router().submit(film(std::move(body)), {});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

 private:
  std::vector<std::unique_ptr<MockHouse>> houses_;
};

const std::string kPending = R"({"output":{"task_id":"t-1","task_status":"PENDING"},"request_id":"r"})";
const std::string kRunning = R"({"output":{"task_id":"t-1","task_status":"RUNNING"},"request_id":"r"})";
const std::string kPainted =
    R"({"output":{"task_id":"t-1","task_status":"SUCCEEDED","results":[{"url":"https://oss/1.png"},)"
    R"({"code":"DataInspectionFailed","message":"no"},{"url":"https://oss/2.png"}]},"usage":{"image_count":2}})";
const Json kCat = {{"model", "wan2.2-t2i-flash"}, {"prompt", "a cat"}};

TEST_F(JobHouses, wanx_paints_in_a_task_that_the_caller_need_not_know_of) {
  auto& house = played("dashscope", {{200, kPending}, {200, kRunning}, {200, kPainted}});
  Json body = kCat;
  body.update({{"n", 3}, {"size", "1024x768"}, {"negative_prompt", "dogs"}, {"seed", 7}, {"watermark", false}});
  const Came came = paint(body);
  EXPECT_EQ(Json::parse(came.bytes)["data"],
            Json::parse(R"([{"url":"https://oss/1.png"},{"url":"https://oss/2.png"}])"));
  const auto sent = house.requests();
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[0].path, "/api/v1/services/aigc/text2image/image-synthesis");
  EXPECT_EQ(sent[0].header("x-dashscope-async"), "enable");
  EXPECT_EQ(sent[0].header("authorization"), "Bearer key-of-the-operator");
  EXPECT_EQ(Json::parse(sent[0].body), Json::parse(R"({"model":"wan2.2-t2i-flash","input":{"prompt":"a cat",
      "negative_prompt":"dogs"},"parameters":{"size":"1024*768","seed":7,"watermark":false,"n":3}})"));
  EXPECT_EQ(sent[2].method + " " + sent[2].path, "GET /api/v1/tasks/t-1");
  EXPECT_EQ(sent[2].header("authorization"), "Bearer key-of-the-operator");
  wait_attempts(1);
  EXPECT_EQ(attempts()[0].outcome, Attempt::Outcome::kSettled);
  EXPECT_EQ(attempts()[0].media, (MediaUse{.images = 2}));
  const auto why = [&](const char* name, Json value) -> std::string {
    Json odd = kCat;
    odd[name] = std::move(value);
    try {
      paint(odd);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(why("response_format", "b64_json"), "response_format: this house tells addresses of pictures");
  EXPECT_EQ(why("quality", "hd"), "quality: unknown field");
}

TEST_F(JobHouses, wan_from_2_6_on_and_qwen_answer_at_once) {
  const std::string at_once = R"({"output":{"choices":[{"message":{"content":[{"image":"https://oss/1.png"}]}}]}})";
  auto& house = played("dashscope", {{200, at_once}});
  for (const char* model : {"wan2.6-t2i", "qwen-image"}) paint({{"model", model}, {"prompt", "x"}});
  for (const auto& sent : house.requests())
    EXPECT_EQ(sent.path, "/api/v1/services/aigc/multimodal-generation/generation");
}

TEST_F(JobHouses, a_task_that_fails_is_an_error_in_the_houses_words) {
  played("dashscope",
         {{200, kPending}, {200, R"({"output":{"task_status":"FAILED","code":"X","message":"not this"}})"}});
  const Came came = paint(kCat);
  EXPECT_EQ(came.last.text, "a: not this");
  EXPECT_EQ(came.last.status, 502);
  wait_attempts(1);
  EXPECT_EQ(attempts()[0].media, MediaUse{});
  // A failure puts the key to rest: each has an account of its own.
  played("dashscope", {{200, kPending}, {200, R"({"output":{"task_status":"CANCELED"}})"}});
  EXPECT_EQ(paint(kCat).last.text, "a: the house cancelled it");
  played("dashscope", {{200, kPending}, {200, R"({"output":{"task_status":"UNKNOWN"}})"}});
  EXPECT_EQ(paint(kCat).last.text, "a: the house does not know the task");
  played("dashscope",
         {{200, kPending}, {200, R"({"output":{"task_status":"SUCCEEDED","results":[{"message":"no"}]}})"}});
  EXPECT_EQ(paint(kCat).last.text, "a: no");
  played("dashscope", {{400, R"({"code":"InvalidParameter","message":"size"})"}});
  EXPECT_EQ(paint(kCat).last.status, 400);
}

TEST_F(JobHouses, what_is_no_answer_to_a_look_is_an_error) {
  for (const std::string wrong : {"{}", "[]", "<html>", R"({"output":{"task_status":"SUCCEEDED"}})"}) {
    played("dashscope", {{200, kPending}, {200, wrong}});
    const Came came = paint(kCat);
    EXPECT_EQ(came.last.status, 502) << wrong;
    EXPECT_EQ(came.bytes, "") << wrong;
  }
  played("dashscope", {{200, R"({"output":{"task_id":"../../x","task_status":"PENDING"}})"}});
  EXPECT_EQ(paint(kCat).last.text, "a: its answer is a job whose id is no name");
}

TEST_F(JobHouses, what_passes_does_not_end_a_task_that_the_house_has_taken) {
  const Answer away{503, R"({"message":"away"})"};
  played("dashscope", {{200, kPending}, away, away, away, {200, kPainted}});
  EXPECT_EQ(paint(kCat).last.kind, Event::Kind::kFinish);
  auto& gone = played("dashscope", {{200, kPending}, away});
  EXPECT_EQ(paint(kCat).last.text, "a: away (status 503)");
  EXPECT_EQ(gone.requests().size(), 5u);  // the submission, and four looks
}

TEST_F(JobHouses, a_submission_that_is_told_to_wait_says_for_how_long) {
  played("dashscope", {{429, R"({"code":"Throttling","message":"slowly"})"}});
  EXPECT_EQ(paint(kCat).last.status, 429);
}

TEST_F(JobHouses, who_leaves_has_the_house_stop) {
  auto& house = played("dashscope", {{200, kPending}, {200, kRunning}});
  Heard heard;
  const CallPtr call = begin(kCat, heard);
  while (house.requests().size() < 3) std::this_thread::yield();  // it is looked at
  call->cancel();
  EXPECT_EQ(heard.last().finish, chat::Finish::kCancelled);
  const auto stopped = [&] {
    const auto all = house.requests();
    return std::any_of(all.begin(), all.end(), [](const auto& one) { return one.path == "/api/v1/tasks/t-1/cancel"; });
  };
  while (!stopped()) std::this_thread::yield();
  wait_attempts(1);
  EXPECT_EQ(attempts()[0].outcome, Attempt::Outcome::kAborted);
}

TEST_F(JobHouses, who_leaves_in_a_long_pause_need_not_wait_for_its_end) {
  remote.look_every = std::chrono::hours(1);
  auto& house = played("dashscope", {{200, kPending}}, 36'000);
  Heard heard;
  const CallPtr call = begin(kCat, heard);
  while (house.requests().empty()) std::this_thread::yield();
  call->cancel();
  EXPECT_EQ(heard.last().finish, chat::Finish::kCancelled);
}

TEST_F(JobHouses, the_programs_end_does_not_wait_for_a_pause) {
  remote.look_every = std::chrono::hours(1);
  auto& house = played("dashscope", {{200, kPending}}, 36'000);
  Heard heard;
  const CallPtr call = begin(kCat, heard);
  while (house.requests().empty()) std::this_thread::yield();
  router().end_all(Error(Code::kUnavailable, "the server is going away"));
  EXPECT_EQ(heard.last().kind, Event::Kind::kError);
}

TEST_F(JobHouses, a_task_that_does_not_end_in_time_is_stopped_and_said) {
  auto& house = played("dashscope", {{200, kPending}, {200, kRunning}}, 1);
  const Came came = paint(kCat);
  EXPECT_EQ(came.last.status, 504);
  EXPECT_EQ(came.last.text, "a: the job was not over when its answer should have been there");
  const auto stopped = [&] { return house.requests().back().path == "/api/v1/tasks/t-1/cancel"; };
  while (!stopped()) std::this_thread::yield();
}

TEST_F(JobHouses, fal_paints_in_its_queue_and_tells_addresses) {
  auto& house =
      played("fal", {{200, R"({"status":"IN_QUEUE","request_id":"q-1","status_url":"https://elsewhere/"})"},
                     {202, R"({"status":"IN_PROGRESS","logs":null})"},
                     {200, R"({"status":"COMPLETED","logs":null,"metrics":{}})"},
                     {200, R"({"images":[{"url":"https://fal.media/1.png"},{"url":"https://fal.media/2.png"}]})"}});
  const Came came = paint({{"model", "fal-ai/flux/schnell"}, {"prompt", "a cat"}, {"n", 2}, {"size", "512x768"}});
  EXPECT_EQ(Json::parse(came.bytes)["data"][1]["url"], "https://fal.media/2.png");
  const auto sent = house.requests();
  ASSERT_EQ(sent.size(), 4u);
  EXPECT_EQ(sent[0].path, "/v1/fal-ai/flux/schnell");
  EXPECT_EQ(sent[0].header("authorization"), "Key key-of-the-operator");
  EXPECT_EQ(Json::parse(sent[0].body),
            Json::parse(R"({"prompt":"a cat","num_images":2,"image_size":{"width":512,"height":768}})"));
  EXPECT_EQ(sent[1].path, "/v1/fal-ai/flux/requests/q-1/status");
  EXPECT_EQ(sent[3].method + " " + sent[3].path, "GET /v1/fal-ai/flux/requests/q-1");
  wait_attempts(1);
  EXPECT_EQ(attempts()[0].media, (MediaUse{.images = 2}));
  played("fal", {{200, R"({"request_id":"q"})"}, {200, R"({"status":"COMPLETED"})"}, {422, R"({"detail":"NSFW"})"}});
  EXPECT_EQ(paint({{"model", "fal-ai/x"}, {"prompt", "x"}}).last.text, "a: NSFW (status 422)");
  EXPECT_THROW(paint({{"model", "fal-ai/x?fal_webhook=https://e"}, {"prompt", "x"}}), Error);
}

TEST(HouseAddress, that_a_house_has_left_leads_to_its_new_one) {
  const House fal = find_house("fal");
  for (const char* configured : {"", "https://fal.run", "https://fal.run/", "https://queue.fal.run/"})
    EXPECT_EQ(base_url_of(fal, configured), "https://queue.fal.run") << configured;
  for (const char* configured : {"https://proxy.example/fal.run", "http://fal.run", "https://fal.run/x"})
    EXPECT_EQ(base_url_of(fal, configured), configured);
}

TEST_F(JobHouses, fal_films_with_fields_of_the_model_and_stops) {
  auto& house = played("fal", {{200, R"({"request_id":"q-1"})"},
                               {200, R"({"status":"COMPLETED"})"},
                               {200, R"({"video":{"url":"https://fal.media/1.mp4"}})"},
                               {202, R"({"status":"CANCELLATION_REQUESTED"})"}});
  MediaJob job = router().submit(film({{"model", "fal-ai/pika/v2.2/text-to-video"},
                                       {"prompt", "a cat"},
                                       {"seconds", "5"},
                                       {"size", "1280x720"},
                                       {"negative_prompt", "dogs"}}),
                                 {});
  EXPECT_EQ(job.state, JobState::kQueued);
  EXPECT_EQ(Json::parse(house.requests()[0].body), Json::parse(R"({"prompt":"a cat","negative_prompt":"dogs",
      "duration":5,"aspect_ratio":"16:9"})"));
  job = router().look(job, {});
  EXPECT_EQ(job.state, JobState::kDone);
  EXPECT_EQ(job.link, "https://fal.media/1.mp4");
  EXPECT_EQ(house.requests()[2].path, "/v1/fal-ai/pika/requests/q-1");
  EXPECT_TRUE(router().cancel(job, {}));
  EXPECT_EQ(house.requests()[3].method + " " + house.requests()[3].path, "PUT /v1/fal-ai/pika/requests/q-1/cancel");
}

TEST_F(JobHouses, minimax_films_and_asks_for_the_address_of_the_file) {
  auto& house = played(
      "minimax", {{200, R"({"task_id":"106","base_resp":{"status_code":0}})"},
                  {200, R"({"task_id":"106","status":"Processing","base_resp":{"status_code":0}})"},
                  {200, R"({"task_id":"106","status":"Success","file_id":"205","video_width":1366,"video_height":768,
                      "base_resp":{"status_code":0}})"},
                  {200, R"({"file":{"file_id":205,"download_url":"https://m/1.mp4"},"base_resp":{"status_code":0}})"}});
  MediaJob job = router().submit(
      film({{"model", "MiniMax-Hailuo-2.3"}, {"prompt", "a cat"}, {"seconds", "6"}, {"resolution", "768P"}}), {});
  EXPECT_EQ(house.requests()[0].path, "/v1/video_generation");
  EXPECT_EQ(Json::parse(house.requests()[0].body),
            Json::parse(R"({"model":"MiniMax-Hailuo-2.3","prompt":"a cat","duration":6,"resolution":"768P"})"));
  job = router().look(job, {});
  EXPECT_EQ(job.state, JobState::kRunning);
  EXPECT_EQ(house.requests()[1].path + "?" + house.requests()[1].query, "/v1/query/video_generation?task_id=106");
  job = router().look(job, {});
  EXPECT_EQ(job.state, JobState::kDone);
  EXPECT_EQ(job.link, "https://m/1.mp4");
  EXPECT_EQ(job.size, "1366x768");
  EXPECT_EQ(house.requests()[3].path + "?" + house.requests()[3].query, "/v1/files/retrieve?file_id=205");
  EXPECT_FALSE(router().cancel(job, {}));
  EXPECT_EQ(why_no_film({{"prompt", "x"}, {"size", "1280x720"}}),
            "size: this house takes a resolution, as 768P or 1080P");
  played("minimax", {{200, R"({"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}})"}});
  EXPECT_EQ(why_no_film({{"prompt", "x"}}), "a: insufficient balance (status 200)");
}

TEST_F(JobHouses, runway_films_a_text_or_a_picture) {
  auto& house = played("runway", {{200, R"({"id":"17f20503-6c24","estimatedCost":{"credits":25}})"}});
  MediaJob job = router().submit(
      film({{"model", "gen4.5"}, {"prompt", "a cat"}, {"seconds", "5"}, {"size", "1280x720"}, {"seed", 4}}), {});
  EXPECT_EQ(house.requests()[0].path, "/v1/text_to_video");
  EXPECT_EQ(house.requests()[0].header("x-runway-version"), "2024-11-06");
  EXPECT_EQ(Json::parse(house.requests()[0].body), Json::parse(R"({"model":"gen4.5","promptText":"a cat",
      "ratio":"1280:720","duration":5,"seed":4})"));
  router().cancel(job, {});
  EXPECT_EQ(house.requests()[1].method + " " + house.requests()[1].path, "DELETE /v1/tasks/17f20503-6c24");
  const std::string form =
      "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\na/gen4_turbo\r\n--b\r\nContent-Disposition: "
      "form-data; name=\"prompt\"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name=\"input_reference\"; "
      "filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\nhi\r\n--b--\r\n";
  router().submit(read_media(MediaKind::kVideo, "multipart/form-data; boundary=b", form), {});
  EXPECT_EQ(house.requests()[2].path, "/v1/image_to_video");
  EXPECT_EQ(Json::parse(house.requests()[2].body)["promptImage"], "data:image/png;base64,aGk=");
  EXPECT_EQ(why_no_film({{"prompt", "x"}, {"fps", 24}}), "fps: unknown field");
}

TEST_F(JobHouses, heygen_has_somebody_say_it) {
  auto& house = played("heygen", {{200, R"({"data":{"video_id":"v-1","status":"waiting"}})"}});
  const Json said = {{"model", "avatar"}, {"prompt", "hello"}, {"avatar_id", "Ann"}, {"voice_id", "v9"}};
  Json sized = said;
  sized["size"] = "720x1280";
  const MediaJob job = router().submit(film(sized), {});
  EXPECT_EQ(job.id, "v-1");
  EXPECT_EQ(house.requests()[0].path, "/v1/v3/videos");
  EXPECT_EQ(house.requests()[0].header("x-api-key"), "key-of-the-operator");
  EXPECT_EQ(Json::parse(house.requests()[0].body), Json::parse(R"({"type":"avatar","avatar_id":"Ann","script":"hello",
      "voice_id":"v9","resolution":"720p","aspect_ratio":"9:16"})"));
  Json odd = said;
  odd["seconds"] = 5;
  EXPECT_EQ(why_no_film(odd), "seconds: a film of this house lasts as long as what is said");
  odd = said;
  odd.erase("voice_id");
  EXPECT_EQ(why_no_film(odd), "voice_id: this field is needed");
  EXPECT_EQ(why_no_film({{"model", "m"}, {"prompt", "x"}}), "model: this house knows avatar and image");
}

TEST_F(JobHouses, did_makes_a_picture_speak) {
  auto& house = played("did", {{201, R"({"id":"tlk_1","object":"talk","status":"created"})"}});
  const Json said = {{"model", "talks"}, {"prompt", "hello"}, {"image_url", "https://x/a.jpg"}, {"voice_id", "Sara"}};
  const MediaJob job = router().submit(film(said), {});
  EXPECT_EQ(job.id, "tlk_1");
  EXPECT_EQ(house.requests()[0].path, "/v1/talks");
  EXPECT_EQ(house.requests()[0].header("authorization"), "Basic key-of-the-operator");
  EXPECT_EQ(Json::parse(house.requests()[0].body),
            Json::parse(R"({"source_url":"https://x/a.jpg","script":{"type":"text",
      "input":"hello","provider":{"type":"microsoft","voice_id":"Sara"}}})"));
  Json odd = said;
  odd["audio_url"] = "https://x/a.mp3";
  EXPECT_EQ(why_no_film(odd), "prompt: must be empty where audio_url says what is said");
  odd = said;
  odd["size"] = "512x512";
  EXPECT_EQ(why_no_film(odd), "size: a film of this house is as large as its picture");
}

// States as each house writes them.
struct Told {
  std::string house, body;
  JobState state;
  std::string link, error;
};
class JobStates : public testing::TestWithParam<Told> {};

TEST_P(JobStates, are_read) {
  const House house = find_house(GetParam().house);
  MediaJob job{.id = "j"};
  house.jobs.at(MediaKind::kVideo).read(GetParam().body, job);
  EXPECT_EQ(job.state, GetParam().state);
  EXPECT_EQ(job.link, GetParam().link);
  EXPECT_EQ(job.error, GetParam().error);
  for (const std::string wrong : {"", "{}", "[]", "null", R"({"status":7,"task_status":[],"output":"x"})"})
    EXPECT_THROW(house.jobs.at(MediaKind::kVideo).read(wrong, job), Error) << wrong;
}

INSTANTIATE_TEST_SUITE_P(
    Of, JobStates,
    testing::Values(
        Told{"openai", R"({"id":"v","status":"in_progress","progress":7})", JobState::kRunning, "", ""},
        Told{"openai", R"({"id":"v","status":"failed","error":null})", JobState::kFailed, "", "no reason given"},
        Told{"zhipu", R"({"task_status":"PROCESSING"})", JobState::kRunning, "", ""},
        Told{"zhipu", R"({"task_status":"SUCCESS","video_result":[{"url":"https://z/1.mp4"}]})", JobState::kDone,
             "https://z/1.mp4", ""},
        Told{"zhipu", R"({"task_status":"FAIL","error":{"code":1,"message":"no"}})", JobState::kFailed, "", "no"},
        Told{"replicate", R"({"id":"p","status":"succeeded","output":["https://r/1.mp4"]})", JobState::kDone,
             "https://r/1.mp4", ""},
        Told{"replicate", R"({"id":"p","status":"failed","error":"NSFW"})", JobState::kFailed, "", "NSFW"},
        Told{"replicate", R"({"id":"p","status":"canceled"})", JobState::kCancelled, "", ""},
        Told{"dashscope", R"({"output":{"task_id":"t","task_status":"SUCCEEDED","video_url":"https://d/1.mp4"}})",
             JobState::kDone, "https://d/1.mp4", ""},
        Told{"minimax", R"({"task_id":"j","status":"Queueing","base_resp":{"status_code":0}})", JobState::kQueued, "",
             ""},
        Told{"minimax", R"({"task_id":"j","status":"Success","file_id":"7","base_resp":{"status_code":0}})",
             JobState::kDone, "", ""},
        Told{"minimax", R"({"status":"Fail","base_resp":{"status_code":1027,"status_msg":"sensitive"}})",
             JobState::kFailed, "", "sensitive"},
        Told{"fal", R"({"status":"IN_QUEUE","queue_position":3})", JobState::kQueued, "", ""},
        Told{"fal", R"({"status":"COMPLETED","error":null})", JobState::kDone, "", ""},
        Told{"fal", R"({"status":"COMPLETED","error":"no face","error_type":"bad_input"})", JobState::kFailed, "",
             "no face"},
        Told{"runway", R"({"id":"j","status":"THROTTLED"})", JobState::kQueued, "", ""},
        Told{"runway", R"({"id":"j","status":"RUNNING","progress":0.5})", JobState::kRunning, "", ""},
        Told{"runway", R"({"id":"j","status":"SUCCEEDED","output":["https://w/1.mp4"]})", JobState::kDone,
             "https://w/1.mp4", ""},
        Told{"runway", R"({"id":"j","status":"FAILED","failure":"no","failureCode":"SAFETY"})", JobState::kFailed, "",
             "no"},
        Told{"runway", R"({"id":"j","status":"CANCELLED"})", JobState::kCancelled, "", ""},
        Told{"heygen", R"({"data":{"id":"j","status":"processing"}})", JobState::kRunning, "", ""},
        Told{"heygen", R"({"data":{"status":"completed","video_url":"https://h/1.mp4","duration":3.5}})",
             JobState::kDone, "https://h/1.mp4", ""},
        Told{"heygen", R"({"data":{"status":"failed","failure_message":"no voice"}})", JobState::kFailed, "",
             "no voice"},
        Told{"did", R"({"id":"j","status":"started"})", JobState::kRunning, "", ""},
        Told{"did", R"({"id":"j","status":"done","result_url":"https://i/1.mp4"})", JobState::kDone, "https://i/1.mp4",
             ""},
        Told{"did", R"({"id":"j","status":"rejected","error":{"kind":"x","description":"no face"}})", JobState::kFailed,
             "", "no face"},
        Told{"dashscope", R"({"output":{"task_status":"FAILED","message":"bad","code":"X"}})", JobState::kFailed, "",
             "bad"}),
    [](const auto& info) { return fmt::format("{}_{}", info.param.house, info.index); });

TEST(JobIds, that_are_no_names_are_refused) {
  for (const std::string name :
       {"openai", "zhipu", "replicate", "dashscope", "minimax", "fal", "runway", "heygen", "did"}) {
    const House house = find_house(name);
    const MediaJob job{.model = "a/b", .id = "../../secrets"};
    EXPECT_THROW(house.jobs.at(MediaKind::kVideo).look(job), Error) << name;
  }
}

}  // namespace
}  // namespace shenbi::gateway
