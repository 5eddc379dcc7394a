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
    return ask(read_media(kind, "application/json", body.dump()));
  }
  Came ask(const MediaRequest& request) {
    Came came;
    Heard heard;
    const auto call = router().media(request,
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

TEST_F(MediaHouses, elevenlabs_listens_and_tells_words_with_their_times) {
  const std::string heard =
      R"({"language_code":"eng","language_probability":0.9,"text":"hi there","audio_duration_secs":2.5,"words":[)"
      R"({"text":"hi","start":0.1,"end":0.4,"type":"word","speaker_id":"speaker_0"},{"text":" ","type":"spacing"},)"
      R"({"text":"there","start":0.5,"end":0.9,"type":"word"}]})";
  auto& house = played("elevenlabs", {heard, heard, heard, R"({"words":[]})"});
  const auto listen = [&](std::vector<std::pair<std::string, std::string>> fields) {
    std::string body;
    for (const auto& [name, value] : fields)
      body += "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
    body +=
        "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\na/scribe_v2\r\n--b\r\nContent-Disposition: "
        "form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF....\r\n--b--\r\n";
    return ask(read_media(MediaKind::kTranscription, "multipart/form-data; boundary=b", body));
  };
  EXPECT_EQ(Json::parse(listen({{"language", "en"}, {"temperature", "0.5"}, {"diarize", "true"}}).bytes),
            Json::parse(R"({"text":"hi there","usage":{"type":"duration","seconds":2.5}})"));
  const auto sent = house.requests().at(0);
  EXPECT_EQ(sent.path, "/v1/speech-to-text");
  const auto field = [&](const std::string& name, const std::string& value) {
    return sent.body.find("name=\"" + name + "\"\r\n\r\n" + value + "\r\n") != std::string::npos;
  };
  EXPECT_TRUE(field("model_id", "scribe_v2") && field("language_code", "en") && field("temperature", "0.5") &&
              field("diarize", "true"))
      << sent.body;
  EXPECT_NE(sent.body.find("name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF....\r\n"),
            std::string::npos);
  const Json verbose = Json::parse(listen({{"response_format", "verbose_json"}}).bytes);
  EXPECT_EQ(verbose["duration"], 2.5);
  EXPECT_EQ(verbose["words"], Json::parse(R"([{"word":"hi","start":0.1,"end":0.4,"speaker":"speaker_0"},)"
                                          R"({"word":"there","start":0.5,"end":0.9}])"));
  const Came plain = listen({{"response_format", "text"}});
  EXPECT_EQ(plain.bytes, "hi there");
  EXPECT_EQ(plain.type, "text/plain; charset=utf-8");
  EXPECT_EQ(listen({}).last.text, "a: its answer is without a text");
  wait_attempts(4);
  EXPECT_EQ(attempts()[0].media, (MediaUse{.milliseconds = 2500}));
  const auto why = [&](std::vector<std::pair<std::string, std::string>> fields) -> std::string {
    try {
      listen(std::move(fields));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(why({{"response_format", "srt"}}), "response_format: \"srt\" is none of json, text, verbose_json");
  EXPECT_EQ(why({{"prompt", "names"}}), "prompt: this house takes none");
  EXPECT_EQ(why({{"temperature", "warm"}}), "temperature: must be a number from 0 to 2");
  EXPECT_EQ(why({{"timestamp_granularities[]", "segment"}}),
            "timestamp_granularities[]: this house tells the times of words alone");
  EXPECT_EQ(why({{"of_next_year", "1"}}), "of_next_year: unknown field");
}

TEST_F(MediaHouses, stability_makes_sounds_of_a_length_that_is_asked_for) {
  auto& house = played("stability", {"sound"}, "audio/mpeg");
  const Came came =
      ask(MediaKind::kSpeech, {{"model", "stable-audio-2.5"}, {"input", "rain"}, {"voice", "none"}, {"duration", 30}});
  EXPECT_EQ(came.bytes, "sound");
  const auto sent = house.requests().at(0);
  EXPECT_EQ(sent.path, "/v1/v2beta/audio/stable-audio-2/text-to-audio");
  EXPECT_EQ(sent.header("accept"), "audio/*");
  const auto field = [&](const std::string& name, const std::string& value) {
    return sent.body.find("name=\"" + name + "\"\r\n\r\n" + value + "\r\n") != std::string::npos;
  };
  EXPECT_TRUE(field("prompt", "rain") && field("model", "stable-audio-2.5") && field("duration", "30") &&
              field("output_format", "mp3"))
      << sent.body;
  wait_attempts(1);
  EXPECT_EQ(attempts()[0].media->milliseconds, 30'000u);
  const Json base = {{"model", "stable-audio-2.5"}, {"input", "rain"}, {"duration", 30}};
  const auto with = [&](const char* name, Json value) {
    Json body = base;
    body[name] = std::move(value);
    return why(MediaKind::kSpeech, body);
  };
  EXPECT_EQ(with("duration", nullptr), "duration: is required: how many seconds the sound lasts, up to 190");
  EXPECT_EQ(with("voice", "alloy"), "voice: this house makes sounds and no speech: none");
  EXPECT_EQ(with("speed", 2), "speed: this house takes none");
  EXPECT_EQ(with("model", "sd3.5-large"), "model: 'sd3.5-large' makes no sound; stable-audio-2.5 does");
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
