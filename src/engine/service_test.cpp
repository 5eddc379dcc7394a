// Several models behind one computing thread, with tiny random-weight models from the fixtures.

#include "engine/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <future>

#include "base/error.h"
#include "base/folders.h"

namespace shenbi::engine {
namespace {

using ::testing::HasSubstr;

std::string fixture(const std::string& family) {
  return std::string(SHENBI_SOURCE_DIR) + "/tests/golden/models/" + family + "/model";
}

// The fixtures have no tokenizer: a folder that lends them one.
class Models {
 public:
  std::string with_tokenizer(const std::string& family, const std::string& name) {
    const auto path = folder_.path() / name;
    std::filesystem::create_directories(path);
    for (const auto& entry : std::filesystem::directory_iterator(fixture(family))) {
      std::filesystem::copy(entry.path(), path / entry.path().filename());
    }
    std::ofstream(path / "tokenizer.json")
        << R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2}, "merges": []}})";
    return path.string();
  }

 private:
  TemporaryFolder folder_;
};

struct Outcome {
  std::promise<FinishReason> finished;
  std::vector<int32_t> ids;
};

Request request(Outcome& outcome, uint32_t tokens) {
  Request r;
  r.prompt = {1, 2, 3, 4};
  r.max_tokens = tokens;
  r.sampling.temperature = 0;
  r.ignore_end = true;
  r.on_token = [&outcome](const TokenEvent& event) {
    if (event.id >= 0) outcome.ids.push_back(event.id);
    if (event.finish != FinishReason::kNone) outcome.finished.set_value(event.finish);
  };
  return r;
}

TEST(Service, models_answer_side_by_side_and_as_if_alone) {
  Models models;
  const std::string a = models.with_tokenizer("llama", "a"), b = models.with_tokenizer("gemma3", "b");
  std::vector<std::vector<int32_t>> alone;
  for (const std::string& path : {a, b}) {
    Service service({.threads = 2});
    Outcome outcome;
    service.submit(*service.load(path), request(outcome, 12));
    EXPECT_EQ(outcome.finished.get_future().get(), FinishReason::kLength);
    alone.push_back(outcome.ids);
  }
  Service service({.threads = 2});
  const auto first = service.load(a), second = service.load(b);
  std::vector<Outcome> outcomes(6);
  for (size_t i = 0; i < outcomes.size(); ++i) service.submit(i % 2 ? *second : *first, request(outcomes[i], 12));
  for (auto& outcome : outcomes) outcome.finished.get_future().wait();
  for (size_t i = 0; i < outcomes.size(); ++i) EXPECT_EQ(outcomes[i].ids, alone[i % 2]);
}

TEST(Service, loads_asked_for_at_once_are_one_load) {
  Models models;
  const std::string path = models.with_tokenizer("llama", "a");
  Service service({.threads = 1});
  std::vector<std::future<LoadedModelPtr>> loads;
  for (int i = 0; i < 4; ++i) loads.push_back(std::async(std::launch::async, [&] { return service.load(path); }));
  const auto first = loads[0].get();
  for (size_t i = 1; i < loads.size(); ++i) EXPECT_EQ(loads[i].get(), first);
}

TEST(Service, an_alias_is_the_same_model_in_memory_once) {
  Models models;
  const std::string name = models.with_tokenizer("llama", "a");
  Service service({.threads = 1, .aliases = {{"gpt-4o", name}}});
  const auto model = service.load("gpt-4o");
  EXPECT_EQ(model->name(), name);
  EXPECT_EQ(service.load(name), model);
  EXPECT_EQ(service.loaded("gpt-4o"), model);
  EXPECT_EQ(service.all_loaded().size(), 1u);
  EXPECT_THROW(service.load("gpt-4o:latest"), Error);
  EXPECT_TRUE(service.unload("gpt-4o"));
  EXPECT_EQ(service.loaded(name), nullptr);
}

TEST(Service, idle_models_make_room_and_models_in_use_do_not) {
  Models models;
  const std::string a = models.with_tokenizer("llama", "a"), b = models.with_tokenizer("llama", "b");
  uint64_t bytes = 0;
  {
    Service service({.threads = 1, .max_sequences = 1});
    bytes = service.load(a)->bytes();
  }
  Service service({.threads = 1, .memory_bytes = bytes + bytes / 2, .max_sequences = 1});
  auto held = service.load(a);
  try {
    service.load(b);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kOutOfMemory);
    EXPECT_THAT(error.what(), HasSubstr("of the budget of"));
  }
  held = nullptr;
  EXPECT_NE(service.load(b), nullptr);
  EXPECT_EQ(service.loaded(a), nullptr);
}

TEST(Service, once_stopped_the_last_reference_may_be_that_of_an_answer) {
  Models models;
  auto service = std::make_shared<Service>(ServiceOptions{.threads = 1});
  const std::weak_ptr<Service> alive = service;
  auto model = service->load(models.with_tokenizer("llama", "a"));
  Outcome outcome;
  auto held = std::make_shared<std::shared_ptr<Service>>(service);
  Request asked = request(outcome, 4);
  asked.on_token = [held, inner = asked.on_token](const TokenEvent& event) {
    inner(event);
    if (event.finish != FinishReason::kNone) held->reset();
  };
  service->submit(*model, std::move(asked));
  EXPECT_EQ(outcome.finished.get_future().get(), FinishReason::kLength);
  service->stop();
  service.reset();
  EXPECT_TRUE(alive.expired());
}

TEST(Service, unloading_lets_what_runs_end) {
  Models models;
  const std::string path = models.with_tokenizer("llama", "a");
  Service service({.threads = 1});
  auto model = service.load(path);
  Outcome outcome;
  service.submit(*model, request(outcome, 40));
  model = nullptr;
  EXPECT_TRUE(service.unload(path));
  EXPECT_EQ(service.loaded(path), nullptr);
  EXPECT_EQ(outcome.finished.get_future().get(), FinishReason::kLength);
  EXPECT_FALSE(service.unload(path));
}

TEST(Service, a_full_queue_says_so) {
  Models models;
  Service service({.threads = 1, .max_sequences = 1, .max_waiting = 1});
  const auto model = service.load(models.with_tokenizer("llama", "a"));
  // The first holds the computing thread inside its first token, so that the next ones wait.
  std::promise<void> entered, leave;
  Request holding;
  holding.prompt = {1, 2};
  holding.max_tokens = 1;
  holding.on_token = [&](const TokenEvent&) {
    entered.set_value();
    leave.get_future().wait();
  };
  service.submit(*model, std::move(holding));
  entered.get_future().wait();
  Outcome waiting, refused;
  service.submit(*model, request(waiting, 1));
  try {
    service.submit(*model, request(refused, 1));
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kRateLimited);
  }
  leave.set_value();
  EXPECT_EQ(waiting.finished.get_future().get(), FinishReason::kLength);
}

TEST(Service, a_file_cut_short_under_a_model_ends_its_requests_alone_and_a_whole_one_is_loaded_anew) {
  Models models;
  const std::string lost = models.with_tokenizer("llama", "lost"), whole = models.with_tokenizer("llama", "whole");
  Service service({.threads = 1});
  const auto other = service.load(whole);
  auto model = service.load(lost);
  const auto weights = std::filesystem::path(lost) / "model.safetensors";
  std::string why;
  Code code{};
  Outcome failed, stays;
  Request r = request(failed, 1000);
  r.on_token = [&, before = r.on_token](const TokenEvent& event) {
    if (event.id >= 0 && failed.ids.empty()) std::filesystem::resize_file(weights, 1);
    if (event.finish == FinishReason::kFailed) {
      why = event.text;
      code = event.failure;
    }
    before(event);
  };
  service.submit(*model, std::move(r));
  service.submit(*other, request(stays, 20));
  EXPECT_EQ(failed.finished.get_future().get(), FinishReason::kFailed);
  EXPECT_EQ(code, Code::kCorruptFile);
  EXPECT_THAT(why, HasSubstr("model.safetensors: the file was cut short or changed while it was in use"));
  EXPECT_EQ(stays.finished.get_future().get(), FinishReason::kLength);

  // Whoever still holds the lost model hears the same; it is not handed out again.
  Outcome late;
  service.submit(*model, request(late, 4));
  EXPECT_EQ(late.finished.get_future().get(), FinishReason::kFailed);
  EXPECT_THROW(service.load(lost), Error);
  std::filesystem::copy_file(fixture("llama") + "/model.safetensors", weights,
                             std::filesystem::copy_options::overwrite_existing);
  Outcome again;
  service.submit(*service.load(lost), request(again, 4));
  EXPECT_EQ(again.finished.get_future().get(), FinishReason::kLength);
}

TEST(Service, a_model_that_left_between_being_handed_out_and_asked_still_answers) {
  Models models;
  const std::string path = models.with_tokenizer("llama", "a");
  Service service({.threads = 1});
  const auto model = service.load(path);
  EXPECT_TRUE(service.unload(path));
  Outcome first, second;
  service.submit(*model, request(first, 1));
  EXPECT_EQ(first.finished.get_future().get(), FinishReason::kLength);
  service.submit(*model, request(second, 1));  // by now nothing kept it in the turn
  EXPECT_EQ(second.finished.get_future().get(), FinishReason::kLength);
}

TEST(Service, once_loads_are_stopped_none_begins_and_models_in_memory_answer_on) {
  Models models;
  const std::string here = models.with_tokenizer("llama", "a"), late = models.with_tokenizer("llama", "b");
  Service service({.threads = 1});
  const auto model = service.load(here);
  service.stop_loading("the end");
  try {
    service.load(late);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kUnavailable);
    EXPECT_STREQ(error.what(), "the end");
  }
  EXPECT_EQ(service.load(here), model);
  Outcome outcome;
  service.submit(*model, request(outcome, 4));
  EXPECT_EQ(outcome.finished.get_future().get(), FinishReason::kLength);
}

TEST(Service, failing_all_ends_what_runs_and_waits_with_the_reason) {
  Models models;
  Service service({.threads = 1, .max_sequences = 1});
  const auto model = service.load(models.with_tokenizer("llama", "a"));
  Outcome running, waiting;
  std::promise<void> both;
  auto both_are_in = both.get_future().share();
  Request r = request(running, 1000);
  r.on_token = [&, before = r.on_token](const TokenEvent& event) {
    both_are_in.wait();
    if (running.ids.empty()) service.fail_all(Code::kUnavailable, "the end");
    EXPECT_TRUE(event.finish != FinishReason::kFailed || event.text == "the end");
    before(event);
  };
  service.submit(*model, std::move(r));
  service.submit(*model, request(waiting, 1000));
  both.set_value();
  EXPECT_EQ(waiting.finished.get_future().get(), FinishReason::kFailed);
  EXPECT_EQ(running.finished.get_future().get(), FinishReason::kFailed);
}

TEST(Service, a_cancelled_request_ends_and_the_others_do_not_notice) {
  Models models;
  Service service({.threads = 1});
  const auto model = service.load(models.with_tokenizer("llama", "a"));
  Outcome gone, stays;
  std::promise<void> cancelled;  // its first token waits for it: else the answer may be over before it is cancelled
  Request leaving = request(gone, 100);
  leaving.on_token = [note = leaving.on_token, until = cancelled.get_future().share()](const TokenEvent& event) {
    until.wait();
    note(event);
  };
  const uint64_t number = service.submit(*model, std::move(leaving));
  service.submit(*model, request(stays, 20));
  service.cancel(*model, number);
  cancelled.set_value();
  EXPECT_EQ(gone.finished.get_future().get(), FinishReason::kCancelled);
  EXPECT_EQ(stays.finished.get_future().get(), FinishReason::kLength);
}

}  // namespace
}  // namespace shenbi::engine
