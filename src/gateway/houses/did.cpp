// D-ID: a picture of a face that says something, as a film. The key is sent as the house shows it, "USER:PASSWORD", in
// a header of Basic. How long the film is hangs on what is said; it cannot be stopped.

#include "base/error.h"
#include "chat/upstream_error.h"
#include "gateway/house.h"
#include "gateway/media_words.h"

namespace shenbi::gateway::houses {
namespace {

HouseCall did_film(const MediaRequest& request, const std::string& model) {
  if (model != "talks") chat::refuse_field("model", "this house knows talks");
  chat::Fields fields = words_of(request);
  std::string said = fields.needed_text("prompt");
  chat::OrderedJson script;
  if (auto sound = fields.text("audio_url")) {
    if (!said.empty()) fields.fail("prompt", "must be empty where audio_url says what is said");
    fields.refuse("voice_id", "a sound that is given speaks for itself");
    fields.refuse("voice_provider", "a sound that is given speaks for itself");
    script = {{"type", "audio"}, {"audio_url", std::move(*sound)}};
  } else {
    script = {{"type", "text"}, {"input", std::move(said)}};
    const auto voice = fields.text("voice_id");
    const auto provider = fields.word("voice_provider", {"microsoft", "elevenlabs", "amazon", "google"});
    if (provider && !voice) fields.fail("voice_provider", "needs a voice_id");
    if (voice) script["provider"] = {{"type", provider.value_or("microsoft")}, {"voice_id", *voice}};
  }
  const chat::OrderedJson body = {{"source_url", fields.needed_text("image_url")}, {"script", std::move(script)}};
  fields.refuse("size", "a film of this house is as large as its picture");
  fields.refuse("seconds", "a film of this house lasts as long as what is said");
  fields.end();
  return json_call("/talks", body);
}

void read_did(const std::string& body, MediaJob& job) {
  const Json answer = house_answer(body);
  if (job.id.empty()) job.id = plain_id(text_at(answer, "id"));
  const std::string state = text_at(answer, "status");
  if (state == "created") {
    job.state = JobState::kQueued;
  } else if (state == "started") {
    job.state = JobState::kRunning;
  } else if (state == "done") {
    job.state = JobState::kDone;
    job.link = needed_link(text_at(answer, "result_url"));
    if (const Json length = at_path(answer, "duration"); length.is_number()) job.seconds = length.dump();
  } else if (state == "error" || state == "rejected") {
    job.state = JobState::kFailed;
    job.error = chat::one_line(text_at(answer, "error/description"));
    job.code = chat::one_line(text_at(answer, "error/kind"));
  } else {
    unknown_status();
  }
}

}  // namespace

House did() {
  House house = openai_like("D-ID", "D-ID", "https://api.d-id.com", "DID_API_KEY");
  house.key_page = "https://studio.d-id.com/account-settings";
  house.authorise = [](net::ClientRequest& request, const Account& account, int64_t) {
    if (!account.key.empty()) request.headers.emplace_back("Authorization", "Basic " + account.key);
  };
  house.chat_path = nullptr;
  house.models_path.clear();
  house.jobs[MediaKind::kVideo] = {
      .submit = did_film,
      .look = [](const MediaJob& job) { return HouseCall{.method = "GET", .path = "/talks/" + plain_id(job.id)}; },
      .read = read_did};
  house.models = {"talks"};
  return house;
}

}  // namespace shenbi::gateway::houses
