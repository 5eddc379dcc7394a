// Houses with words of their own: what each is sent for OpenAI's fields, and what its answer becomes.

#include <fmt/format.h>

#include "gateway/media.h"
#include "gateway/test_house.h"

namespace shenbi::gateway {
namespace {

using Json = nlohmann::json;

class MediaHouses : public RouterTest {
 protected:
  // A house that answers each request with the next of `answers`.
  MockHouse& played(const std::string& house, std::vector<std::string> answers, std::string type = "application/json") {
    auto next = std::make_shared<size_t>(0);
    houses_.push_back(std::make_unique<MockHouse>([=](const net::ServerRequest&, const net::ExchangePtr& exchange) {
      exchange->send({.status = 200, .headers = {{"Content-Type", type}}, .body = answers.at((*next)++)});
    }));
    upstreams.put({.name = "a",
                   .house = house,
                   .base_url = houses_.back()->url(),
                   .keys = {"key-of-the-operator"},
                   .models = {"m"},
                   .private_network = true});
    return *houses_.back();
  }
  struct Came {
    std::string type, bytes;
    Event last;
  };
  Came ask(MediaKind kind, Json body) {
    body["model"] = "a/" + body.value("model", std::string("m"));
    Came came;
    Heard heard;
    const auto call = router().media(read_media(kind, "application/json", body.dump()),
                                     {.head = [&](std::string_view type, bool) { came.type = type; },
                                      .bytes = [&](std::string_view bytes) { came.bytes += bytes; }},
                                     heard.sink());
    came.last = heard.last();
    return came;
  }
  std::string why(MediaKind kind, Json body) {
    try {
      return ask(kind, std::move(body)).last.text;
    } catch (const Error& error) {
      EXPECT_EQ(code_info(error.code()).http_status, 400) << error.what();
      return error.what();
    }
  }

 private:
  std::vector<std::unique_ptr<MockHouse>> houses_;
};

TEST_F(MediaHouses, stability_is_sent_a_form_and_tells_base64) {
  auto& house = played("stability", {R"({"image":"aGk=","finish_reason":"SUCCESS","seed":1})"});
  const Came came =
      ask(MediaKind::kImage, {{"model", "sd3.5-large"}, {"prompt", "a cat"}, {"size", "1024x1536"}, {"seed", 7}});
  EXPECT_EQ(Json::parse(came.bytes)["data"], Json::parse(R"([{"b64_json":"aGk="}])"));
  const auto sent = house.requests().at(0);
  EXPECT_EQ(sent.path, "/v1/v2beta/stable-image/generate/sd3");
  EXPECT_EQ(sent.header("accept"), "application/json");
  const auto field = [&](const std::string& name, const std::string& value) {
    return sent.body.find("name=\"" + name + "\"\r\n\r\n" + value + "\r\n") != std::string::npos;
  };
  EXPECT_TRUE(field("prompt", "a cat") && field("aspect_ratio", "2:3") && field("model", "sd3.5-large") &&
              field("seed", "7"))
      << sent.body;
  EXPECT_EQ(why(MediaKind::kImage, {{"prompt", "x"}, {"n", 2}}), "n: this house makes one picture a request");
  EXPECT_EQ(why(MediaKind::kImage, {{"prompt", "x"}, {"quality", "hd"}}), "quality: unknown field");
  EXPECT_EQ(why(MediaKind::kImage, {{"prompt", "x"}, {"size", "1024x1000"}}),
            "size: is 128:125; this house makes 16:9, 1:1, 21:9, 2:3, 3:2, 4:5, 5:4, 9:16, 9:21");
}

TEST_F(MediaHouses, elevenlabs_has_the_voice_in_its_path_and_sends_the_sound) {
  auto& house = played("elevenlabs", {"sound"}, "audio/mpeg");
  const Came came = ask(MediaKind::kSpeech,
                        {{"model", "eleven_v3"}, {"input", "hi"}, {"voice", "Xb7hH8MSUJpSbSDYk0k2"}, {"speed", 1.1}});
  EXPECT_EQ(came.bytes, "sound");
  EXPECT_EQ(came.type, "audio/mpeg");
  const auto sent = house.requests().at(0);
  EXPECT_EQ(sent.path, "/v1/text-to-speech/Xb7hH8MSUJpSbSDYk0k2/stream");
  EXPECT_EQ(sent.query, "output_format=mp3_44100_128");
  EXPECT_EQ(sent.header("xi-api-key"), "key-of-the-operator");
  EXPECT_EQ(Json::parse(sent.body),
            Json::parse(R"({"text":"hi","model_id":"eleven_v3","voice_settings":{"speed":1.1}})"));
  EXPECT_EQ(why(MediaKind::kSpeech, {{"input", "x"}, {"voice", "../../v1/user"}}),
            "voice: must be the id of a voice of this house, letters and digits");
  EXPECT_EQ(why(MediaKind::kSpeech, {{"input", "x"}, {"voice", "a"}, {"instructions", "softly"}}),
            "instructions: this house takes none");
  EXPECT_EQ(why(MediaKind::kImage, {{"prompt", "x"}}), "model: ElevenLabs offers no images here");
}

TEST_F(MediaHouses, fal_has_the_model_in_its_path_and_tells_addresses) {
  auto& house = played("fal", {R"({"images":[{"url":"https://fal.media/1.png"},{"url":"https://fal.media/2.png"}]})"});
  const Came came =
      ask(MediaKind::kImage, {{"model", "fal-ai/flux/schnell"}, {"prompt", "a cat"}, {"n", 2}, {"size", "512x768"}});
  EXPECT_EQ(Json::parse(came.bytes)["data"][1]["url"], "https://fal.media/2.png");
  const auto sent = house.requests().at(0);
  EXPECT_EQ(sent.path, "/v1/fal-ai/flux/schnell");
  EXPECT_EQ(sent.header("authorization"), "Key key-of-the-operator");
  EXPECT_EQ(Json::parse(sent.body),
            Json::parse(R"({"prompt":"a cat","num_images":2,"image_size":{"width":512,"height":768}})"));
  wait_attempts(1);
  EXPECT_EQ(attempts()[0].media, (MediaUse{.images = 2}));
}

TEST_F(MediaHouses, minimax_speaks_in_hexadecimal_digits_and_its_error_in_a_200_is_one) {
  auto& house = played("minimax", {R"({"data":{"audio":"00ff41"},"base_resp":{"status_code":0}})",
                                   R"({"data":{"image_urls":["https://m/1.png"]},"base_resp":{"status_code":0}})"});
  const Json speech = {{"model", "speech-2.8-hd"}, {"input", "hi"}, {"voice", "male-qn"}};
  const Came came = ask(MediaKind::kSpeech, speech);
  EXPECT_EQ(came.bytes, std::string("\0\xff"
                                    "A",
                                    3));
  EXPECT_EQ(came.type, "audio/mpeg");
  EXPECT_EQ(house.requests().at(0).path, "/v1/t2a_v2");
  EXPECT_EQ(Json::parse(house.requests().at(0).body)["voice_setting"]["voice_id"], "male-qn");
  EXPECT_EQ(Json::parse(ask(MediaKind::kImage, {{"prompt", "x"}, {"size", "1280x720"}}).bytes)["data"][0]["url"],
            "https://m/1.png");
  EXPECT_EQ(Json::parse(house.requests().at(1).body)["aspect_ratio"], "16:9");
  // A failure puts the key to rest: each has an account of its own.
  played("minimax", {R"({"data":{"audio":"0g"},"base_resp":{"status_code":0}})"});
  EXPECT_EQ(ask(MediaKind::kSpeech, speech).last.text, "a: its answer holds no sound");
  played("minimax", {R"({"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}})"});
  EXPECT_EQ(ask(MediaKind::kImage, {{"prompt", "x"}}).last.text, "a: insufficient balance");
}

TEST_F(MediaHouses, dashscope_paints_below_its_host_and_films_in_a_task) {
  auto& house =
      played("dashscope",
             {R"({"output":{"choices":[{"message":{"content":[{"image":"https://oss/1.png"}]}}]},"request_id":"r"})",
              R"({"output":{"task_id":"t-1","task_status":"PENDING"},"request_id":"r"})",
              R"({"output":{"task_id":"t-1","task_status":"CANCELED"},"request_id":"r"})"});
  const Came came = ask(MediaKind::kImage, {{"model", "qwen-image"}, {"prompt", "a cat"}, {"size", "928x1664"}});
  EXPECT_EQ(Json::parse(came.bytes)["data"][0]["url"], "https://oss/1.png");
  EXPECT_EQ(house.requests().at(0).path, "/api/v1/services/aigc/multimodal-generation/generation");
  const Json sent = Json::parse(house.requests().at(0).body);
  EXPECT_EQ(sent["input"]["messages"][0]["content"][0]["text"], "a cat");
  EXPECT_EQ(sent["parameters"]["size"], "928*1664");
  auto film =
      read_media(MediaKind::kVideo, "application/json", R"({"model":"a/wan2.5-t2v","prompt":"x","seconds":"5"})");
  const MediaJob job = router().submit(film, {});
  EXPECT_EQ(job.id, "t-1");
  EXPECT_EQ(job.state, JobState::kQueued);
  EXPECT_EQ(house.requests().at(1).header("x-dashscope-async"), "enable");
  EXPECT_EQ(Json::parse(house.requests().at(1).body)["parameters"]["duration"], 5);
  EXPECT_TRUE(router().cancel(job, {}));
  EXPECT_EQ(house.requests().at(2).path, "/api/v1/tasks/t-1/cancel");
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
        Told{"dashscope", R"({"output":{"task_status":"FAILED","message":"bad","code":"X"}})", JobState::kFailed, "",
             "bad"}),
    [](const auto& info) { return fmt::format("{}_{}", info.param.house, info.index); });

TEST(JobIds, that_are_no_names_are_refused) {
  for (const std::string name : {"openai", "zhipu", "replicate", "dashscope"}) {
    const House house = find_house(name);
    const MediaJob job{.id = "../../secrets"};
    EXPECT_THROW(house.jobs.at(MediaKind::kVideo).look(job), Error) << name;
  }
}

TEST_F(MediaHouses, replicate_waits_for_pictures_and_says_when_they_are_not_ready) {
  auto& house = played("replicate", {R"({"id":"p","status":"succeeded","output":["https://r/1.png"],"error":null})",
                                     R"({"id":"p","status":"processing","output":null,"error":null})"});
  const Json body = {{"model", "black-forest-labs/flux-schnell"}, {"prompt", "x"}, {"n", 1}, {"go_fast", true}};
  EXPECT_EQ(Json::parse(ask(MediaKind::kImage, body).bytes)["data"][0]["url"], "https://r/1.png");
  EXPECT_EQ(house.requests().at(0).path, "/v1/models/black-forest-labs/flux-schnell/predictions");
  EXPECT_EQ(house.requests().at(0).header("prefer"), "wait=60");
  EXPECT_EQ(Json::parse(house.requests().at(0).body)["input"],
            Json::parse(R"({"prompt":"x","go_fast":true,"num_outputs":1})"));
  EXPECT_EQ(ask(MediaKind::kImage, body).last.text, "a: the picture was not ready within the minute that it waits");
}

}  // namespace
}  // namespace shenbi::gateway
