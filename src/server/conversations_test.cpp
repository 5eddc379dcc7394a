// The page's conversations through its routes, and their way in and out.

#include "server/conversations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/limits.h"
#include "server/prompts.h"
#include "server/test_both_sides.h"
#include "server/transfer.h"

namespace shenbi::server {
namespace {

using chat::OrderedJson;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TestServer;

const std::string kOwner = "local";

std::vector<std::string> titles(TestServer& server, const std::string& query) {
  std::vector<std::string> found;
  const auto json = server.get("/page/conversations" + query).json();
  for (const auto& one : json["conversations"]) found.push_back(one["title"]);
  return found;
}

class ConversationsTest : public testing::OnBothSides {};
INSTANTIATE_TEST_SUITE_P(On, ConversationsTest, store::kSides, store::side_name);

TEST_P(ConversationsTest, are_made_renamed_pinned_filed_removed_and_brought_back) {
  TestServer server({.database = place()});
  const std::string id = server.send("POST", "/page/conversations", {{"title", "one"}}).json()["id"];
  const std::string folder = server.send("POST", "/page/folders", {{"name", "工作"}}).json()["id"];
  const auto changed = server
                           .send("PATCH", "/page/conversations/" + id,
                                 {{"title", "two\n\x01 lines"}, {"pinned", true}, {"folder", folder}})
                           .json();
  EXPECT_EQ(changed["title"], "two lines");
  EXPECT_EQ(changed["pinned"], true);
  EXPECT_THAT(titles(server, "?folder=" + folder), ElementsAre("two lines"));
  EXPECT_EQ(server.get("/page/folders").json()["folders"][0]["count"], 1);

  EXPECT_EQ(server.send("DELETE", "/page/conversations/" + id).status, 204);
  EXPECT_EQ(server.get("/page/conversations/" + id).status, 404);
  EXPECT_EQ(server.send("POST", "/page/conversations/" + id + "/restore").status, 200);
  EXPECT_EQ(server.send("DELETE", "/page/folders/" + folder).status, 204);
  EXPECT_TRUE(server.get("/page/conversations/" + id).json()["folder"].is_null());
}

TEST_P(ConversationsTest, unknown_fields_and_wrong_types_are_refused_by_name) {
  TestServer server({.database = place()});
  const auto refused = [&](const OrderedJson& body) { return server.send("POST", "/page/conversations", body); };
  EXPECT_THAT(refused({{"colour", 1}}).body, HasSubstr("colour: unknown field"));
  EXPECT_THAT(refused({{"title", 1}}).body, HasSubstr("title: expected a string, found a number"));
  EXPECT_EQ(refused({{"title", 1}}).json()["error"]["param"], "title");
  EXPECT_EQ(refused(OrderedJson::array({1})).status, 400);
  EXPECT_EQ(testing::ask(server.url("/page/conversations"), "POST", "{not json").status, 400);
  EXPECT_EQ(testing::ask(server.url("/page/conversations"), "POST", std::string(200, '[')).status, 400);
  EXPECT_EQ(testing::ask(server.url("/page/conversations"), "POST", "{\"title\": \"\xff\"}").status, 400);
  EXPECT_EQ(server.send("POST", "/page/conversations", {{"folder", "nowhere"}}).status, 404);
}

TEST_P(ConversationsTest, are_found_by_any_part_of_any_language) {
  TestServer server({.database = place()});
  Conversations& store = *server.state().conversations;
  const auto add = [&](const std::string& title, const std::string& text) {
    store.add(kOwner, {.conversation = store.create(kOwner, title, "").id, .role = "user", .content = text});
  };
  add("a", "神笔马良画了一只凤凰");
  add("b", "the quick \"brown\" fox 100% sure");
  EXPECT_THAT(titles(server, "?q=%E9%A9%AC%E8%89%AF%E7%94%BB"), ElementsAre("a"));  // 马良画: three characters, indexed
  EXPECT_THAT(titles(server, "?q=%E5%87%A4"), ElementsAre("a"));                    // 凤: one character
  EXPECT_THAT(titles(server, "?q=%22brown%22"), ElementsAre("b"));
  EXPECT_THAT(titles(server, "?q=0%25"), ElementsAre("b"));
  EXPECT_THAT(titles(server, "?q=brown%20OR%20quick"), ElementsAre());  // words of the search language are only words
  EXPECT_THAT(server.get("/page/conversations?q=quick").body, HasSubstr("\\u0002quick\\u0003"));
  EXPECT_THAT(server.get("/page/conversations?q=%E5%87%A4").body, HasSubstr("只\\u0002凤\\u0003凰"));
  EXPECT_THAT(server.get("/page/conversations?q=FO").body, HasSubstr("\\u0002fo\\u0003x 100% sure"));
}

TEST_P(ConversationsTest, branches_are_paths_of_one_tree) {
  TestServer server({.database = place()});
  Conversations& store = *server.state().conversations;
  const auto c = store.create(kOwner, "", "");
  const auto q = store.add(kOwner, {.conversation = c.id, .role = "user", .content = "q"});
  const auto a1 = store.add(kOwner, {.conversation = c.id, .parent = q.id, .role = "assistant", .content = "a1"});
  const auto a2 = store.add(kOwner, {.conversation = c.id, .parent = q.id, .role = "assistant", .content = "a2"});
  EXPECT_EQ(store.get(kOwner, c.id).leaf, a2.id);
  EXPECT_EQ(store.path_to(kOwner, c.id, a1.id).size(), 2u);
  EXPECT_EQ(store.path_to(kOwner, c.id, a1.id)[1].content, "a1");
  EXPECT_EQ(server.send("PATCH", "/page/conversations/" + c.id, {{"leaf", a1.id}}).status, 200);
  EXPECT_EQ(server.get("/page/conversations/" + c.id).json()["leaf"], a1.id);
}

TEST(StoppedAnswers, answers_that_were_running_when_the_program_ended_are_stopped_ones) {
  TemporaryFolder folder;
  std::string id;
  {
    store::Database database(folder.path() / "c.db");
    Conversations store(database);
    const auto c = store.create(kOwner, "", "");
    id = store.add(kOwner, {.conversation = c.id, .role = "assistant", .content = "half", .status = "running"}).id;
  }
  store::Database database(folder.path() / "c.db");
  EXPECT_EQ(Conversations(database).message(kOwner, id).status, "stopped");
}

TEST(Transfer, what_goes_out_comes_in_the_same) {
  TestServer from, to;
  Conversations& store = *from.state().conversations;
  const auto folder = store.create_folder(kOwner, "f");
  const auto c = store.create(kOwner, "标题", folder.id);
  const auto q = store.add(kOwner, {.conversation = c.id, .role = "user", .content = "问"});
  store.add(kOwner, {.conversation = c.id,
                     .parent = q.id,
                     .role = "assistant",
                     .content = "A",
                     .thinking = "T",
                     .model = "m",
                     .finish = "stop"});
  const auto b = store.add(
      kOwner, {.conversation = c.id, .parent = q.id, .role = "assistant", .content = "B", .usage = R"({"x":1})"});
  const std::string file = from.get("/page/export").body;
  const auto result = testing::ask(to.url("/page/import"), "POST", file).json();
  EXPECT_EQ(result["conversations"], 1);
  EXPECT_EQ(result["messages"], 3);
  const auto summary = to.get("/page/conversations").json()["conversations"][0];
  const auto whole = to.get("/page/conversations/" + summary["id"].get<std::string>()).json();
  EXPECT_EQ(whole["title"], "标题");
  EXPECT_EQ(whole["messages"].size(), 3u);
  EXPECT_EQ(whole["messages"][1]["thinking"], "T");
  EXPECT_EQ(whole["leaf"], whole["messages"][2]["id"]);
  EXPECT_EQ(whole["messages"][2]["usage"]["x"], 1);
  EXPECT_EQ(to.get("/page/folders").json()["folders"][0]["name"], "f");
  EXPECT_EQ(store.path_to(kOwner, c.id, b.id).size(), 2u);
}

TEST(Transfer, chatgpt_files_keep_their_branches_and_lose_what_is_not_shown) {
  const auto file = OrderedJson::parse(R"([{"title": "T", "create_time": 5.5, "current_node": "d", "mapping": {
    "r": {"id": "r", "message": null, "parent": null},
    "s": {"message": {"author": {"role": "system"}, "content": {"parts": [""]}}, "parent": "r"},
    "a": {"message": {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["hi"]}, "create_time": 6}, "parent": "s"},
    "b": {"message": {"author": {"role": "assistant"}, "content": {"parts": ["one"]}, "metadata": {"model_slug": "gpt-x"}}, "parent": "a"},
    "t": {"message": {"author": {"role": "tool"}, "content": {"parts": ["noise"]}}, "parent": "a"},
    "d": {"message": {"author": {"role": "assistant"}, "content": {"parts": ["two", {"image": 1}]}}, "parent": "t"}}}])");
  const Imported imported = read_export(file);
  ASSERT_EQ(imported.conversations.size(), 1u);
  const auto& one = imported.conversations[0];
  ASSERT_EQ(one.messages.size(), 3u);
  EXPECT_EQ(one.messages[0].content, "hi");
  EXPECT_EQ(one.messages[1].model, "gpt-x");
  EXPECT_EQ(one.messages[2].content, "two");
  EXPECT_EQ(one.messages[2].parent, "a");
  EXPECT_EQ(one.conversation.leaf, "d");
}

TEST(Transfer, open_webui_files_are_read) {
  const auto file = OrderedJson::parse(
      R"([{"id": "1", "title": "W", "pinned": true, "created_at": 1700000000, "chat": {"title": "W", "history":
    {"currentId": "y", "messages": {"x": {"id": "x", "parentId": null, "role": "user", "content": "u", "timestamp": 1700000001},
     "y": {"id": "y", "parentId": "x", "role": "assistant", "content": "v", "model": "m"}}}}}])");
  const Imported imported = read_export(file);
  ASSERT_EQ(imported.conversations.size(), 1u);
  EXPECT_TRUE(imported.conversations[0].conversation.pinned);
  EXPECT_EQ(imported.conversations[0].messages[1].parent, "x");
}

TEST(Transfer, a_broken_conversation_is_named_and_the_others_come_in) {
  const auto file = OrderedJson::parse(R"({"shenbi": 1, "conversations": [
    {"title": "good", "messages": [{"id": "1", "role": "user", "content": "x"}]},
    {"title": "circle", "messages": [{"id": "1", "parent": "2", "role": "user"}, {"id": "2", "parent": "1", "role": "user"}]},
    {"title": "twice", "messages": [{"id": "1", "role": "user"}, {"id": "1", "role": "user"}]},
    {"title": "stranger", "messages": [{"id": "1", "role": "system"}]}, 7]})");
  const Imported imported = read_export(file);
  EXPECT_EQ(imported.conversations.size(), 1u);
  std::vector<std::string> names;
  for (const auto& skipped : imported.skipped) names.push_back(skipped.what);
  EXPECT_THAT(names, ElementsAre("circle", "twice", "stranger", "conversation 5"));
  EXPECT_THROW(read_export(OrderedJson::parse(R"({"a": 1})")), Error);
  EXPECT_THROW(read_export(OrderedJson::parse("7")), Error);
}

TEST(Prompts, are_saved_changed_and_removed_by_their_owner_alone) {
  TestServer server;
  const auto made = server.send("POST", "/page/prompts", {{"name", "翻译"}, {"content", "Translate: {{text}}"}});
  EXPECT_EQ(made.status, 201);
  const std::string id = made.json()["id"];
  EXPECT_EQ(server.send("PUT", "/page/prompts/" + id, {{"name", "a"}, {"content", "b"}}).json()["content"], "b");
  EXPECT_EQ(server.get("/page/prompts").json()["prompts"][0]["name"], "a");
  EXPECT_THAT(server.send("POST", "/page/prompts", {{"name", " "}, {"content", "b"}}).body,
              HasSubstr("name: is empty"));
  EXPECT_THAT(server
                  .send("POST", "/page/prompts",
                        {{"name", "a"}, {"content", std::string(limits::kMaxSavedPromptBytes + 1, 'x')}})
                  .body,
              HasSubstr("content: 65537 bytes, at most 65536"));
  Prompts& prompts = *server.state().prompts;
  EXPECT_TRUE(prompts.list("somebody else").empty());
  EXPECT_THROW(prompts.remove("somebody else", id), Error);
  EXPECT_THROW(prompts.change("somebody else", id, "x", "y"), Error);
  EXPECT_EQ(server.send("DELETE", "/page/prompts/" + id).status, 204);
  EXPECT_EQ(server.send("DELETE", "/page/prompts/" + id).status, 404);
  server.state().database.transaction([&] {  // one write to the disk instead of a thousand
    for (size_t i = 0; i < limits::kMaxSavedPrompts; ++i) prompts.create("full", "n", "c");
  });
  EXPECT_THROW(prompts.create("full", "n", "c"), Error);
}

}  // namespace
}  // namespace shenbi::server
