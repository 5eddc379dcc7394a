// Files and batches over a real server; the model is a stand-in that answers with what it was asked.

#include "server/batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <set>

#include "base/error.h"
#include "base/limits.h"
#include "server/test_both_sides.h"

namespace shenbi::server {
namespace {

using chat::OrderedJson;
using testing::Answer;
using ::testing::HasSubstr;
using testing::TestServer;
using Bearer = std::vector<std::string>;

constexpr const char* kFixed = "a-fixed-key-of-the-test";

// Says the last message back. What holds "wait" waits for open() or to be cancelled; "busy" is refused the first time.
class Parrot final : public gateway::Provider {
 public:
  std::vector<gateway::ModelInfo> models() override { return {}; }
  void prepare(const std::string&) override {}

  gateway::CallPtr chat(chat::ChatRequest request, gateway::EventSink sink) override {
    const std::string text = request.messages.back().parts.at(0).text;
    priority = request.priority;
    {
      std::lock_guard lock(mutex_);
      tenant_ = request.tenant;
    }
    ++asked;
    if (text.find("busy") != std::string::npos && !refused_.exchange(true)) {
      throw Error(Code::kRateLimited, "no room");
    }
    auto call = std::make_shared<Pending>(text, std::move(sink));
    if (text.find("wait") == std::string::npos) {
      call->answer();
    } else {
      std::lock_guard lock(mutex_);
      pending_.push_back(call);
      changed_.notify_all();
    }
    return call;
  }
  gateway::CallPtr complete(chat::CompletionRequest, gateway::EventSink) override {
    throw Error(Code::kNotFound, "no completions");
  }
  gateway::Embeddings embed(const gateway::EmbedRequest& asked, std::stop_token) override {
    const size_t count = asked.inputs.size();
    return {.vectors = std::vector<std::vector<float>>(count, {1, 0}), .tokens = count};
  }
  std::vector<int32_t> tokenize(const std::string&, std::string_view, bool, bool) override { return {}; }
  std::string detokenize(const std::string&, const std::vector<int32_t>&) override { return {}; }
  std::pair<std::string, std::vector<int32_t>> prompt_of(const chat::ChatRequest&) override { return {}; }

  bool waits_for(size_t calls) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return pending_.size() >= calls; });
  }
  void open() {
    std::vector<std::shared_ptr<Pending>> calls;
    {
      std::lock_guard lock(mutex_);
      calls.swap(pending_);
    }
    for (auto& call : calls) call->answer();
  }

  std::string tenant() {
    std::lock_guard lock(mutex_);
    return tenant_;
  }
  std::atomic<int> asked = 0, priority = 0;

 private:
  class Pending final : public gateway::Call {
   public:
    Pending(std::string text, gateway::EventSink sink) : text_(std::move(text)), sink_(std::move(sink)) {}
    void cancel() override { end("", chat::Finish::kCancelled); }
    void answer() { end(text_, chat::Finish::kStop); }

   private:
    void end(const std::string& text, chat::Finish finish) {
      if (ended_.exchange(true)) return;
      if (!text.empty()) sink_({.kind = chat::Event::Kind::kText, .text = text, .tokens = 1});
      chat::Event end{.kind = chat::Event::Kind::kFinish, .finish = finish};
      end.usage = {.prompt_tokens = 5, .cached_tokens = 2, .completion_tokens = 3, .reasoning_tokens = 1};
      sink_(std::move(end));
    }
    std::string text_;
    gateway::EventSink sink_;
    std::atomic<bool> ended_ = false;
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Pending>> pending_;
  std::string tenant_;
  std::atomic<bool> refused_ = false;
};

std::string chat_line(const std::string& id, const std::string& text) {
  return OrderedJson{{"custom_id", id},
                     {"method", "POST"},
                     {"url", "/v1/chat/completions"},
                     {"body", {{"model", "m"}, {"messages", {{{"role", "user"}, {"content", text}}}}}}}
             .dump() +
         "\n";
}

class Batch : public testing::OnBothSides {
 protected:
  explicit Batch(ServeOptions options = {}) : server(here(options)) { server.state().provider = parrot; }

  ServeOptions here(ServeOptions options) {
    options.database = place();
    return options;
  }

  Answer upload(const std::string& content, const std::string& purpose = "batch", const Bearer& key = {},
                const std::string& more = {}, const std::string& name = "in.jsonl") {
    const std::string body = "--XX\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n" + purpose +
                             "\r\n--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name +
                             "\"\r\n\r\n" + content + "\r\n" + more + "--XX--\r\n";
    Bearer headers = key;
    headers.push_back("Content-Type: multipart/form-data; boundary=XX");
    headers.push_back("Expect:");
    return testing::ask(server.url("/v1/files"), "POST", body, headers);
  }
  std::string uploaded(const std::string& content, const Bearer& key = {}) {
    return upload(content, "batch", key).json().at("id");
  }
  Answer create(const std::string& file, const std::string& endpoint = "/v1/chat/completions", const Bearer& key = {}) {
    return server.send("POST", "/v1/batches",
                       {{"input_file_id", file}, {"endpoint", endpoint}, {"completion_window", "24h"}}, key);
  }
  std::string started(const std::string& content, const Bearer& key = {}) {
    return create(uploaded(content, key), "/v1/chat/completions", key).json().at("id");
  }
  OrderedJson show(const std::string& id, const Bearer& key = {}) {
    return server.get("/v1/batches/" + id, key).json();
  }
  // Polls until it has ended; the patience only keeps a failed test from hanging.
  OrderedJson ended(const std::string& id, const Bearer& key = {}) {
    for (int i = 0; i < 6000; ++i) {
      const OrderedJson batch = show(id, key);
      const std::string status = batch.at("status");
      if (status == "completed" || status == "failed" || status == "expired" || status == "cancelled") return batch;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    throw Error(Code::kInternal, "the batch does not end: " + show(id, key).dump());
  }
  // custom_id -> line; an id that comes twice fails the test.
  std::map<std::string, OrderedJson> lines(const OrderedJson& file, const Bearer& key = {}) {
    std::map<std::string, OrderedJson> found;
    if (file.is_null()) return found;
    std::istringstream text(server.get("/v1/files/" + file.get<std::string>() + "/content", key).body);
    for (std::string line; std::getline(text, line);) {
      const auto json = OrderedJson::parse(line);
      EXPECT_TRUE(found.emplace(json.at("custom_id"), json).second) << line;
    }
    return found;
  }
  // The same data folder, the next run of the program.
  void restart() {
    ServeOptions options = here({});
    options.port = 0;
    options.data = server.folder.path();
    options.engine.threads = 1;
    server.server = std::make_unique<Server>(options);
    server.state().provider = parrot;
    server.server->start();
  }
  static std::string said(const OrderedJson& line) {
    return line.at("response").at("body").at("choices").at(0).at("message").at("content");
  }

  std::shared_ptr<Parrot> parrot = std::make_shared<Parrot>();
  TestServer server;
};

INSTANTIATE_TEST_SUITE_P(On, Batch, store::kSides, store::side_name);

// --- files ---

TEST_P(Batch, a_file_is_kept_listed_fetched_and_deleted) {
  const auto file = upload("a\nb", "user_data", {}, {}, "C:\\\\dir\\\\../n\u00e4me.txt").json();
  EXPECT_EQ(file["filename"], "n\u00e4me.txt");
  EXPECT_EQ(file["bytes"], 3);
  EXPECT_EQ(file["object"], "file");
  EXPECT_TRUE(file["expires_at"].is_null());
  const std::string path = "/v1/files/" + file["id"].get<std::string>();
  EXPECT_EQ(server.get(path).json(), file);
  const Answer content = server.get(path + "/content");
  EXPECT_EQ(content.body, "a\nb");
  EXPECT_EQ(content.headers.at("content-disposition"), "attachment");
  EXPECT_EQ(content.headers.at("content-security-policy"), "sandbox");
  EXPECT_EQ(content.headers.at("x-content-type-options"), "nosniff");
  const auto deleted = server.send("DELETE", path).json();
  EXPECT_EQ(deleted["deleted"], true);
  EXPECT_EQ(server.get(path).status, 404);
  EXPECT_EQ(server.get(path + "/content").status, 404);
  EXPECT_TRUE(std::filesystem::is_empty(server.folder.path() / "files"));
}

TEST_P(Batch, files_are_listed_in_pages_by_purpose_and_order) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(uploaded("x"));
  const std::string other = upload("x", "user_data").json()["id"];
  auto page = server.get("/v1/files?limit=2&order=asc&purpose=batch").json();
  EXPECT_EQ(page["data"][0]["id"], ids[0]);
  EXPECT_EQ(page["has_more"], true);
  page = server.get("/v1/files?limit=3&order=asc&purpose=batch&after=" + page["last_id"].get<std::string>()).json();
  EXPECT_EQ(page["first_id"], ids[2]);
  EXPECT_EQ(page["last_id"], ids[4]);
  EXPECT_EQ(page["has_more"], false);
  EXPECT_EQ(server.get("/v1/files").json()["data"][0]["id"], other);
  EXPECT_THAT(server.get("/v1/files?limit=0").body, HasSubstr("limit: "));
  EXPECT_THAT(server.get("/v1/files?limit=x").body, HasSubstr("limit: "));
  EXPECT_THAT(server.get("/v1/files?order=up").body, HasSubstr("order: "));
  EXPECT_THAT(server.get("/v1/files?colour=1").body, HasSubstr("colour: unknown parameter"));
  EXPECT_EQ(server.get("/v1/files?after=file-none").status, 404);
}

TEST_P(Batch, an_upload_that_is_not_understood_is_refused_by_name) {
  const auto field = [](const std::string& name, const std::string& value) {
    return "--XX\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  };
  EXPECT_THAT(upload("x", "fine-tune").body, HasSubstr("purpose: 'fine-tune' means nothing here"));
  EXPECT_THAT(upload("x", "batch_output").body, HasSubstr("purpose: "));
  EXPECT_THAT(upload("", "batch").body, HasSubstr("file: is empty"));
  EXPECT_THAT(upload("x", "batch", {}, field("colour", "red")).body, HasSubstr("colour: unknown field"));
  EXPECT_THAT(upload("x", "batch", {}, field("purpose", "batch")).body, HasSubstr("purpose: is given twice"));
  EXPECT_THAT(upload("x", "batch", {}, field("expires_after[seconds]", "3600")).body, HasSubstr("[anchor]"));
  const std::string anchor = field("expires_after[anchor]", "created_at");
  for (const char* bad : {"", "3599", "2592001", "1e5", " 3600", "99999999999999999999"}) {
    EXPECT_THAT(upload("x", "batch", {}, anchor + field("expires_after[seconds]", bad)).body, HasSubstr("[seconds]"));
  }
  EXPECT_THAT(upload("x", "batch", {}, {}, "").body, HasSubstr("file name"));
  EXPECT_THAT(server.send("POST", "/v1/files", {{"purpose", "batch"}}).body, HasSubstr("multipart/form-data"));
  EXPECT_TRUE(std::filesystem::is_empty(server.folder.path() / "files"));
}

TEST_P(Batch, a_file_expires_when_it_was_asked_to) {
  const auto file =
      upload("x", "user_data", {},
             "--XX\r\nContent-Disposition: form-data; name=\"expires_after[anchor]\"\r\n\r\ncreated_at\r\n"
             "--XX\r\nContent-Disposition: form-data; name=\"expires_after[seconds]\"\r\n\r\n3600\r\n")
          .json();
  EXPECT_EQ(file["expires_at"].get<int64_t>() - file["created_at"].get<int64_t>(), 3600);
  server.state().database.run("UPDATE files SET expires = 1");
  EXPECT_EQ(server.get("/v1/files/" + file["id"].get<std::string>()).status, 404);
  EXPECT_TRUE(server.get("/v1/files").json()["data"].empty());
  server.state().files->purge();
  EXPECT_TRUE(std::filesystem::is_empty(server.folder.path() / "files"));
}

TEST(Files, what_a_crash_left_without_a_row_is_swept_and_nothing_else) {
  TemporaryFolder folder;
  std::string id;
  {
    store::Database database(folder.path() / "d.db");
    Files files(database, folder.path() / "files");
    id = files.add({.owner = "a", .purpose = "user_data", .name = "n"}, "kept").id;
  }
  std::ofstream(folder.path() / "files" / "file-orphan") << "renamed, but its row never came";
  std::ofstream(folder.path() / "files" / "file-half.unfinished") << "half";
  std::ofstream(folder.path() / "files" / "notes.txt") << "somebody else's";
  store::Database database(folder.path() / "d.db");
  Files files(database, folder.path() / "files");
  EXPECT_EQ(files.open(files.get("a", id))->read(0, 4), "kept");
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "files")) {
    names.insert(entry.path().filename().string());
  }
  EXPECT_EQ(names, (std::set<std::string>{id, "notes.txt"}));
  EXPECT_THROW(files.get("b", id), Error);
}

TEST(Files, a_full_disk_is_an_error_that_leaves_nothing_and_passes) {
  TemporaryFolder folder;
  store::Database database(folder.path() / "d.db");
  Files files(database, folder.path() / "files");
  const StoredFile wanted{.owner = "a", .purpose = "user_data", .name = "n"};
  // The bound on a file's size stands in for the bound of the disk; SIGXFSZ would end the program.
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{1 << 20, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  try {
    files.add(wanted, std::string(2 << 20, 'x'));
    ADD_FAILURE() << "was stored";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kOutOfMemory);
  }
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, before);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "files"));
  EXPECT_NO_THROW(files.add(wanted, std::string(2 << 20, 'x')));
}

TEST(Files, a_content_that_was_cut_short_is_named) {
  TemporaryFolder folder;
  store::Database database(folder.path() / "d.db");
  Files files(database, folder.path() / "files");
  const auto file = files.add({.owner = "a", .purpose = "user_data", .name = "n"}, "0123456789");
  std::filesystem::resize_file(folder.path() / "files" / file.id, 4);
  try {
    files.open(file);
    ADD_FAILURE() << "was opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kCorruptFile);
    EXPECT_THAT(error.what(), HasSubstr(file.id));
  }
}

// --- batches ---

TEST_P(Batch, every_line_is_answered_once_and_in_order) {
  std::string input;
  for (int i = 0; i < 40; ++i) input += chat_line("id-" + std::to_string(i), "say " + std::to_string(i));
  const std::string id = started(input);
  const auto batch = ended(id);
  EXPECT_EQ(batch["status"], "completed");
  EXPECT_EQ(batch["request_counts"], (OrderedJson{{"total", 40}, {"completed", 40}, {"failed", 0}}));
  EXPECT_TRUE(batch["error_file_id"].is_null());
  for (const char* time : {"created_at", "in_progress_at", "finalizing_at", "completed_at", "expires_at"}) {
    EXPECT_TRUE(batch[time].is_number()) << time;
  }
  const auto found = lines(batch["output_file_id"]);
  ASSERT_EQ(found.size(), 40u);
  for (int i = 0; i < 40; ++i) {
    const auto& line = found.at("id-" + std::to_string(i));
    EXPECT_EQ(said(line), "say " + std::to_string(i));
    EXPECT_EQ(line["response"]["status_code"], 200);
    EXPECT_TRUE(line["error"].is_null());
  }
  const std::string output = "/v1/files/" + batch["output_file_id"].get<std::string>();
  const std::string content = server.get(output + "/content").body;
  size_t at = 0;
  for (int i = 0; i < 40; ++i) {
    const size_t next = content.find("\"custom_id\":\"id-" + std::to_string(i) + "\"");
    ASSERT_NE(next, std::string::npos);
    EXPECT_GE(next, at);
    at = next;
  }
  EXPECT_EQ(server.get(output).json()["purpose"], "batch_output");
  EXPECT_GT(parrot->priority, 1'000'000);  // behind whatever a caller may ask for
  EXPECT_THAT(server.get("/metrics").body, HasSubstr("shenbi:batch_lines_total{result=\"completed\"} 40"));
  // They go once the end is told, so that nobody waits for it.
  const auto kept = [&] { return !server.state().database.query("SELECT * FROM batch_answers").empty(); };
  for (int i = 0; i < 6000 && kept(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_FALSE(kept());
}

TEST_P(Batch, lines_that_a_route_refuses_go_to_the_error_file) {
  std::string input = chat_line("good", "yes");
  input += R"({"custom_id":"bad","method":"POST","url":"/v1/chat/completions","body":{"model":"m","colour":1}})";
  const auto batch = ended(started(input));
  EXPECT_EQ(batch["status"], "completed");
  EXPECT_EQ(batch["request_counts"], (OrderedJson{{"total", 2}, {"completed", 1}, {"failed", 1}}));
  EXPECT_EQ(said(lines(batch["output_file_id"]).at("good")), "yes");
  const auto bad = lines(batch["error_file_id"]).at("bad");
  EXPECT_EQ(bad["response"]["status_code"], 400);
  // Word for word what the route itself says.
  const auto direct = server.send("POST", "/v1/chat/completions", {{"model", "m"}, {"colour", 1}});
  EXPECT_EQ(bad["response"]["body"], direct.json());
}

TEST_P(Batch, an_input_with_wrong_lines_fails_before_anything_is_run) {
  const auto batch = ended(started(chat_line("a", "x") + "nonsense\n" + chat_line("a", "y")));
  EXPECT_EQ(batch["status"], "failed");
  EXPECT_EQ(batch["errors"]["object"], "list");
  ASSERT_EQ(batch["errors"]["data"].size(), 2u);
  EXPECT_EQ(batch["errors"]["data"][0]["code"], "invalid_json_line");
  EXPECT_EQ(batch["errors"]["data"][0]["line"], 2);
  EXPECT_EQ(batch["errors"]["data"][1]["code"], "duplicate_custom_id");
  EXPECT_TRUE(batch["failed_at"].is_number());
  EXPECT_TRUE(batch["output_file_id"].is_null());
  EXPECT_EQ(parrot->asked, 0);
}

TEST_P(Batch, every_endpoint_runs_its_own_route) {
  const auto run = [&](const std::string& endpoint, const std::string& body) {
    const std::string input = R"({"custom_id":"a","method":"POST","url":")" + endpoint + R"(","body":)" + body + "}";
    return ended(create(uploaded(input), endpoint).json().at("id"));
  };
  auto batch = run("/v1/embeddings", R"({"model":"m","input":["x","y"]})");
  EXPECT_EQ(lines(batch["output_file_id"]).at("a")["response"]["body"]["data"].size(), 2u);
  batch = run("/v1/responses", R"({"model":"m","input":"hello"})");
  EXPECT_EQ(lines(batch["output_file_id"]).at("a")["response"]["body"]["object"], "response");
  batch = run("/v1/completions", R"({"model":"m","prompt":"x"})");
  EXPECT_EQ(lines(batch["error_file_id"]).at("a")["response"]["status_code"], 404);
}

TEST_P(Batch, requests_that_make_no_batch_are_refused_by_name) {
  const std::string file = uploaded(chat_line("a", "x")), other = upload("x", "user_data").json()["id"];
  EXPECT_THAT(create(file, "/v1/models").body, HasSubstr("endpoint: "));
  EXPECT_EQ(create("file-none").status, 404);
  EXPECT_THAT(create(other).body, HasSubstr("input_file_id: "));
  const auto with = [&](const char* name, const OrderedJson& value) {
    OrderedJson body = {{"input_file_id", file}, {"endpoint", "/v1/chat/completions"}, {"completion_window", "24h"}};
    body[name] = value;
    const Answer answer = server.send("POST", "/v1/batches", body);
    EXPECT_EQ(answer.status, 400) << answer.body;
    return answer.body;
  };
  EXPECT_THAT(with("completion_window", "7d"), HasSubstr("completion_window: "));
  EXPECT_THAT(with("metadata", {{"a", 1}}), HasSubstr("metadata: "));
  EXPECT_THAT(with("metadata", {{"a", std::string(513, 'x')}}), HasSubstr("metadata: "));
  EXPECT_THAT(with("output_expires_after", {{"anchor", "created_at"}, {"seconds", 1}}), HasSubstr("seconds"));
  EXPECT_THAT(with("colour", 1), HasSubstr("colour: "));
  EXPECT_TRUE(server.get("/v1/batches").json()["data"].empty());
}

TEST_P(Batch, metadata_and_the_outputs_time_to_live_are_kept) {
  const auto made = server
                        .send("POST", "/v1/batches",
                              {{"input_file_id", uploaded(chat_line("a", "x"))},
                               {"endpoint", "/v1/chat/completions"},
                               {"completion_window", "24h"},
                               {"metadata", {{"who", "me"}}},
                               {"output_expires_after", {{"anchor", "created_at"}, {"seconds", 7200}}}})
                        .json();
  EXPECT_EQ(made["status"], "validating");
  EXPECT_EQ(made["metadata"]["who"], "me");
  const auto batch = ended(made["id"]);
  EXPECT_EQ(batch["metadata"]["who"], "me");
  const auto file = server.get("/v1/files/" + batch["output_file_id"].get<std::string>()).json();
  EXPECT_EQ(file["expires_at"].get<int64_t>() - file["created_at"].get<int64_t>(), 7200);
}

OrderedJson usage_of_lines(int64_t lines) {
  return {{"input_tokens", 5 * lines},
          {"input_tokens_details", {{"cached_tokens", 2 * lines}}},
          {"output_tokens", 3 * lines},
          {"output_tokens_details", {{"reasoning_tokens", lines}}},
          {"total_tokens", 8 * lines}};
}

TEST_P(Batch, the_tokens_of_its_completed_lines_add_up) {
  const std::string refused =
      R"({"custom_id":"bad","method":"POST","url":"/v1/chat/completions","body":{"model":"m"}})";
  const auto made = create(uploaded(chat_line("a", "x") + chat_line("b", "y") + refused + "\n")).json();
  EXPECT_EQ(made["usage"], usage_of_lines(0));
  EXPECT_TRUE(made["model"].is_null());  // its lines are not judged yet
  const auto batch = ended(made["id"]);
  EXPECT_EQ(batch["request_counts"]["failed"], 1);
  EXPECT_EQ(batch["usage"], usage_of_lines(2));
  EXPECT_EQ(batch["model"], "m");
}

TEST_P(Batch, one_of_several_models_names_none) {
  std::string other = chat_line("b", "y");
  other.replace(other.find("\"m\""), 3, "\"n\"");
  EXPECT_TRUE(ended(started(chat_line("a", "x") + other))["model"].is_null());
}

TEST_P(Batch, one_that_ended_is_remembered_as_long_as_its_files_and_thirty_days) {
  const auto batch = ended(started(chat_line("a", "x")));
  const std::string id = batch["id"];
  const auto purge = [&] {
    server.state().files->purge();
    server.state().batches->purge();
  };
  server.state().database.run("UPDATE batches SET ended = ended - 31 * 86400");
  purge();
  EXPECT_EQ(show(id)["status"], "completed");  // its output is there
  server.send("DELETE", "/v1/files/" + batch["output_file_id"].get<std::string>());
  server.state().database.run("UPDATE batches SET ended = ended + 31 * 86400");
  purge();
  EXPECT_EQ(show(id)["status"], "completed");  // it ended a moment ago
  server.state().database.run("UPDATE batches SET ended = ended - 31 * 86400");
  purge();
  EXPECT_EQ(server.get("/v1/batches/" + id).status, 404);
  EXPECT_TRUE(server.get("/v1/batches").json()["data"].empty());
}

TEST_P(Batch, one_that_is_not_finished_is_never_forgotten) {
  const std::string id = started(chat_line("w", "wait"));
  ASSERT_TRUE(parrot->waits_for(1));
  server.state().database.run("UPDATE batches SET created = 1");
  server.state().batches->purge();
  EXPECT_EQ(show(id)["status"], "in_progress");
  parrot->open();
  EXPECT_EQ(ended(id)["status"], "completed");
}

TEST_P(Batch, an_output_that_has_expired_takes_its_old_batch_along_at_the_next_start) {
  const auto batch = ended(started(chat_line("a", "x")));
  const std::string id = batch["id"], file = batch["output_file_id"];
  server.server.reset();
  {
    store::Database database(place());
    database.run("UPDATE batches SET ended = 1");
    database.run("UPDATE files SET expires = 1 WHERE id = ?", {file});
  }
  restart();
  while (server.get("/v1/batches/" + id).status != 404) std::this_thread::yield();
  EXPECT_FALSE(std::filesystem::exists(server.folder.path() / "files" / file));
}

TEST_P(Batch, a_cancelled_one_keeps_what_was_answered_and_names_the_rest) {
  std::string input = chat_line("done", "at once");
  for (int i = 0; i < 30; ++i) input += chat_line("w" + std::to_string(i), "wait");
  const std::string id = started(input);
  ASSERT_TRUE(parrot->waits_for(7));  // "done" had its turn: one lane of eight is past it
  while (show(id)["request_counts"]["completed"] != 1) std::this_thread::yield();
  const auto cancelling = server.send("POST", "/v1/batches/" + id + "/cancel").json();
  EXPECT_EQ(cancelling["status"], "cancelling");
  const auto batch = ended(id);
  EXPECT_EQ(batch["status"], "cancelled");
  EXPECT_TRUE(batch["cancelled_at"].is_number());
  EXPECT_EQ(batch["request_counts"], (OrderedJson{{"total", 31}, {"completed", 1}, {"failed", 30}}));
  EXPECT_EQ(lines(batch["output_file_id"]).size(), 1u);
  const auto rest = lines(batch["error_file_id"]);
  EXPECT_EQ(rest.size(), 30u);
  EXPECT_EQ(rest.at("w3")["error"]["code"], "batch_cancelled");
  const Answer again = server.send("POST", "/v1/batches/" + id + "/cancel");
  EXPECT_EQ(again.status, 400);
  EXPECT_THAT(again.body, HasSubstr("is cancelled and cannot be cancelled"));
}

TEST_P(Batch, one_whose_window_is_over_expires_with_what_it_has) {
  const std::string id = started(chat_line("done", "at once") + chat_line("late", "wait"));
  ASSERT_TRUE(parrot->waits_for(1));
  while (show(id)["request_counts"]["completed"] != 1) std::this_thread::yield();
  server.server.reset();  // the next start finds the window over
  {
    store::Database database(place());
    database.run("UPDATE batches SET expires = 1");
  }
  restart();
  const auto batch = ended(id);
  EXPECT_EQ(batch["status"], "expired");
  EXPECT_TRUE(batch["expired_at"].is_number());
  EXPECT_EQ(said(lines(batch["output_file_id"]).at("done")), "at once");
  EXPECT_EQ(lines(batch["error_file_id"]).at("late")["error"]["code"], "batch_expired");
}

TEST_P(Batch, a_restart_goes_on_where_the_last_one_ended) {
  std::string input;
  for (int i = 0; i < 3; ++i) input += chat_line("d" + std::to_string(i), "done");
  for (int i = 0; i < 12; ++i) input += chat_line("w" + std::to_string(i), "wait");
  const std::string id = started(input);
  ASSERT_TRUE(parrot->waits_for(8));
  while (show(id)["request_counts"]["completed"] != 3) std::this_thread::yield();
  server.server.reset();
  parrot->open();  // those that were cancelled: nobody hears them
  const int asked = parrot->asked;
  EXPECT_EQ(asked, 11);
  restart();
  for (int left = 12; left > 0; left -= std::min(left, 8)) {
    ASSERT_TRUE(parrot->waits_for(static_cast<size_t>(std::min(left, 8))));
    parrot->open();
  }
  const auto batch = ended(id);
  EXPECT_EQ(batch["request_counts"], (OrderedJson{{"total", 15}, {"completed", 15}, {"failed", 0}}));
  EXPECT_EQ(batch["usage"], usage_of_lines(15));
  EXPECT_EQ(batch["model"], "m");
  EXPECT_EQ(lines(batch["output_file_id"]).size(), 15u);
  EXPECT_EQ(parrot->asked, asked + 12);  // no answered line was asked again
}

TEST_P(Batch, one_that_died_while_its_output_was_written_is_written_once) {
  const std::string id = started(chat_line("a", "wait") + chat_line("b", "wait"));
  ASSERT_TRUE(parrot->waits_for(2));
  server.server.reset();
  const auto files = server.folder.path() / "files";
  {
    store::Database database(place());
    for (const auto& [line, name] : {std::pair{int64_t{1}, "a"}, {int64_t{2}, "b"}}) {
      database.run("INSERT INTO batch_answers (batch, line, good, answer) VALUES (?, ?, 1, ?)",
                   {id, line, answered_line(name, 200, "r", "{}")});
    }
    database.run("UPDATE batches SET status = ?, completed = 2", {static_cast<int64_t>(BatchStatus::kFinalizing)});
    std::ofstream(files / "file-published") << "its row never came";
  }
  restart();
  const auto batch = ended(id);
  EXPECT_EQ(batch["status"], "completed");
  EXPECT_EQ(lines(batch["output_file_id"]).size(), 2u);
  // The input and the one output; what has no row may be another program's, and is swept after a day.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(files), {}), is_shared() ? 3 : 2);
  // What a program that died right behind the last commit would do again changes nothing.
  server.state().batches->end(id, {.status = BatchStatus::kFailed});
  EXPECT_EQ(show(id), batch);
}

TEST_P(Batch, no_room_is_asked_again_and_is_no_answer) {
  const auto batch = ended(started(chat_line("a", "busy") + chat_line("b", "free")));
  EXPECT_EQ(batch["request_counts"], (OrderedJson{{"total", 2}, {"completed", 2}, {"failed", 0}}));
  EXPECT_EQ(said(lines(batch["output_file_id"]).at("a")), "busy");
}

TEST_P(Batch, an_input_in_use_cannot_be_deleted_and_an_output_can) {
  const std::string file = uploaded(chat_line("a", "wait"));
  const std::string id = create(file).json()["id"];
  ASSERT_TRUE(parrot->waits_for(1));
  const Answer refused = server.send("DELETE", "/v1/files/" + file);
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("is the input of a batch that is not finished"));
  server.state().database.run("UPDATE files SET expires = 1");
  server.state().files->purge();
  EXPECT_EQ(server.get("/v1/files/" + file).status, 200);  // nor does it expire
  parrot->open();
  const auto batch = ended(id);
  const std::string output = batch["output_file_id"];
  EXPECT_EQ(server.send("DELETE", "/v1/files/" + output).status, 200);
  EXPECT_EQ(show(id)["output_file_id"], output);  // the batch still says what it was called
  EXPECT_EQ(server.get("/v1/files/" + output + "/content").status, 404);
  EXPECT_EQ(server.send("DELETE", "/v1/files/" + file).status, 404);  // its time was up
}

TEST_P(Batch, an_input_that_is_damaged_meanwhile_ends_it_with_what_it_has) {
  const std::string file = uploaded(chat_line("a", "done") + chat_line("b", "wait"));
  const std::string id = create(file).json()["id"];
  ASSERT_TRUE(parrot->waits_for(1));
  while (show(id)["request_counts"]["completed"] != 1) std::this_thread::yield();
  server.server.reset();
  std::filesystem::remove(server.folder.path() / "files" / file);
  if (is_shared()) store::Database(place()).run("DELETE FROM file_parts");  // else it would be fetched again
  restart();
  const auto batch = ended(id);
  EXPECT_EQ(batch["status"], "failed");
  EXPECT_EQ(batch["errors"]["data"][0]["code"], "invalid_file");
  EXPECT_EQ(said(lines(batch["output_file_id"]).at("a")), "done");
}

TEST_P(Batch, unfinished_ones_are_bounded_and_listed_newest_first) {
  const std::string file = uploaded(chat_line("a", "wait"));
  std::vector<std::string> ids;
  for (size_t i = 0; i < limits::kMaxUnfinishedBatches; ++i) ids.push_back(create(file).json()["id"]);
  const Answer refused = create(file);
  EXPECT_EQ(refused.status, 429);
  auto page = server.get("/v1/batches?limit=3").json();
  EXPECT_EQ(page["first_id"], ids.back());
  EXPECT_EQ(page["has_more"], true);
  page = server.get("/v1/batches?limit=100&after=" + ids[2]).json();
  EXPECT_EQ(page["data"].size(), 2u);
  EXPECT_EQ(page["has_more"], false);
  for (const auto& id : ids) server.send("POST", "/v1/batches/" + id + "/cancel");
  for (const auto& id : ids) EXPECT_EQ(ended(id)["status"], "cancelled");
  EXPECT_EQ(server.send("DELETE", "/v1/files/" + file).status, 200);  // every hold was released
}

// --- keys ---

class KeyedBatch : public Batch {
 protected:
  KeyedBatch() : Batch({.keys = {kFixed}}) {}
  static Bearer bearer(const Keys::NewKey& key) { return {"Authorization: Bearer " + key.text}; }
};
INSTANTIATE_TEST_SUITE_P(On, KeyedBatch, store::kSides, store::side_name);

TEST_P(KeyedBatch, runs_in_the_name_of_its_sender) {
  Keys& keys = server.state().keys;
  const auto key = keys.create({.name = "k", .models = {"m"}});
  auto batch = ended(started(chat_line("a", "x"), bearer(key)), bearer(key));
  EXPECT_EQ(batch["request_counts"]["completed"], 1);
  EXPECT_EQ(parrot->tenant(), key.key.id);
  const auto narrow = keys.create({.name = "n", .models = {"other"}});
  batch = ended(started(chat_line("a", "x"), bearer(narrow)), bearer(narrow));
  EXPECT_EQ(lines(batch["error_file_id"], bearer(narrow)).at("a")["response"]["status_code"], 404);
}

TEST_P(KeyedBatch, a_revoked_key_gets_no_more_answers) {
  Keys& keys = server.state().keys;
  const auto key = keys.create({.name = "k"});
  std::string input;
  for (int i = 0; i < 12; ++i) input += chat_line("w" + std::to_string(i), "wait");
  const std::string id = started(input, bearer(key));
  ASSERT_TRUE(parrot->waits_for(8));
  keys.revoke(key.key.id);
  parrot->open();
  for (int i = 0; i < 6000 && !server.state().batches->mine().empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const auto batch = server.state().batches->get(key.key.id, id);
  EXPECT_EQ(batch.completed, 8);
  EXPECT_EQ(batch.failed, 4);
  EXPECT_EQ(parrot->asked, 8);
}

TEST_P(KeyedBatch, another_owner_s_files_and_batches_are_not_there) {
  Keys& keys = server.state().keys;
  const auto a = keys.create({.name = "a"}), b = keys.create({.name = "b"});
  const std::string file = uploaded(chat_line("secret", "x"), bearer(a));
  const std::string batch = create(file, "/v1/chat/completions", bearer(a)).json()["id"];
  const auto done = ended(batch, bearer(a));
  server.state().responses.add(a.key.id, "resp_1", {.response = {{"id", "secret"}}, .input = OrderedJson::array()});
  const std::vector<std::string> ids = {file, batch, done["output_file_id"], "resp_1"};
  int met = 0;
  const Router router;
  for (const Route& route : router.routes()) {
    const size_t name = route.pattern().find("{id}");
    if (route.face() != Face::kOpenAi || route.scope() != Scope::kInfer || name == std::string::npos) continue;
    for (const std::string& id : ids) {
      std::string path = route.pattern();
      path.replace(name, 4, id);
      const Answer answer = server.send(route.method(), path, nullptr, bearer(b));
      EXPECT_EQ(answer.status, 404) << route.method() << " " << path << " " << answer.body;
      EXPECT_THAT(answer.body, Not(HasSubstr("secret")));
      ++met;
    }
  }
  EXPECT_GE(met, 8 * 4);
  EXPECT_EQ(create(file, "/v1/chat/completions", bearer(b)).status, 404);
  EXPECT_TRUE(server.get("/v1/files", bearer(b)).json()["data"].empty());
  EXPECT_TRUE(server.get("/v1/batches", bearer(b)).json()["data"].empty());
  EXPECT_EQ(server.get("/v1/files?after=" + file, bearer(b)).status, 404);
  EXPECT_EQ(server.get("/v1/batches?after=" + batch, bearer(b)).status, 404);
  EXPECT_EQ(server.get("/v1/files/" + file, bearer(a)).status, 200);
}

TEST(Moderations, say_that_no_model_here_can_judge) {
  TestServer server;
  const Answer answer = server.send("POST", "/v1/moderations", {{"input", "x"}, {"model", "omni"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.json()["error"]["message"].get<std::string>(), HasSubstr("no model of this server"));
  EXPECT_EQ(answer.json()["error"]["param"], "model");
  EXPECT_THAT(server.send("POST", "/v1/moderations", {{"model", "omni"}}).body, HasSubstr("input"));
}

}  // namespace
}  // namespace shenbi::server
