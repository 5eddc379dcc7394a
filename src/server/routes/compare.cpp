// POST /v1/compare: one request, several models, one stream (docs/compare.md). A body of /v1/chat/completions with
// "models" in place of "model". The page has the same routes below /page, for keys that may do what it does.

#include <fmt/format.h>

#include <charconv>

#include "chat/dialect_openai.h"
#include "chat/fields.h"
#include "gateway/judging.h"
#include "server/answering.h"
#include "server/comparisons.h"
#include "server/conversations.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::Fields;
using chat::OrderedJson;

void refuse(std::string_view field, std::string_view why) {
  throw Error(Code::kInvalidArgument, fmt::format("{}: {}", field, why));
}

std::vector<std::string> models_of(const OrderedJson& body) {
  Fields fields(body, "");
  std::vector<std::string> models;
  for (const OrderedJson& model : fields.needed_list("models", kMaxComparedModels)) {
    if (!model.is_string() || model.get_ref<const std::string&>().empty()) refuse("models", "expected names");
    models.push_back(model.get<std::string>());
  }
  if (models.empty()) refuse("models", "at least one is needed");
  return models;
}

ComparisonPlan plan_of(std::string_view text) {
  OrderedJson body = chat::parse_body(text);
  const auto models = models_of(body);
  if (body.contains("model")) refuse("model", "here it is 'models', a list");
  body.erase("models");
  body["model"] = models.front();
  const chat::OpenAiChat parsed = chat::parse_openai_chat(body.dump());
  if (parsed.n != 1) refuse("n", "each model answers once");
  if (parsed.request.logprobs) refuse("logprobs", "not in a comparison");
  ComparisonPlan plan{.requests = {}, .stream = parsed.stream};
  for (const std::string& model : models) {
    plan.requests.push_back(parsed.request);
    plan.requests.back().model = model;
  }
  return plan;
}

void start(RouteCall& call, Scope scope) {
  ComparisonPlan plan = plan_of(call.request.body);
  call.state.keys.check_quota(call.caller);
  plan.scope = scope;
  for (chat::ChatRequest& request : plan.requests) mark_caller(call, request);
  call.state.comparisons->start(call, std::move(plan));
}

uint32_t column_of(const RouteCall& call) {
  const std::string& text = call.path.find("column")->second;
  uint32_t column = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), column);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error(Code::kNotFound, "no such column: they are counted from 0");
  }
  return column;
}

void stop_column(RouteCall& call) {
  call.state.comparisons->find(call.caller, call.path["id"])->stop(column_of(call));
  send_json(call, 200, {{"id", call.path["id"]}, {"column", column_of(call)}});
}

void retry(RouteCall& call) {
  call.state.comparisons->find(call.caller, call.path["id"])->retry(column_of(call));
  send_json(call, 200, {{"id", call.path["id"]}, {"column", column_of(call)}});
}

// Where answers agree, in the words of a chat completion.
void summary(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const std::string judge = body.needed_text("model"), question = body.needed_text("question");
  std::vector<gateway::JudgedAnswer> answers;
  const OrderedJson& list = body.needed_list("answers", kMaxComparedModels);
  for (size_t i = 0; i < list.size(); ++i) {
    Fields one(list[i], body.at("answers", i));
    answers.push_back({.name = one.needed_text("name"), .text = one.needed_text("content")});
    one.end();
  }
  const bool stream = body.boolean("stream").value_or(false);
  const auto most = body.integer("max_tokens", 1, 1 << 30);
  body.end();
  if (answers.size() < 2) refuse("answers", "at least two are needed");
  check_caller(call, judge);
  chat::OpenAiChat asked{.request = gateway::summary_request(judge, question, answers), .stream = stream};
  if (most) asked.request.max_tokens = static_cast<uint64_t>(*most);
  mark_caller(call, asked.request);
  AnswerPlan plan{.stream = stream, .model = judge};
  plan.writer = std::make_unique<chat::OpenAiChatWriter>(
      asked, chat::AnswerHead{chat::new_answer_id("chatcmpl-"), judge, seconds_now()});
  plan.starts.push_back([&state = call.state, request = std::move(asked.request)](gateway::EventSink sink) {
    return state.provider->chat(request, std::move(sink));
  });
  answer(call, std::move(plan));
}

// "Go on with this one": a conversation of the question with every answer as a version of it, the chosen one shown.
void keep(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const std::string question = body.needed_text("question");
  const OrderedJson& list = body.needed_list("answers", kMaxComparedModels);
  std::vector<StoredMessage> answers;
  for (size_t i = 0; i < list.size(); ++i) {
    Fields one(list[i], body.at("answers", i));
    StoredMessage answer{.role = "assistant", .content = one.needed_text("content")};
    answer.model = one.needed_text("model");
    one.end();
    answers.push_back(std::move(answer));
  }
  const auto chosen = body.integer("chosen", 0, kMaxComparedModels).value_or(0);
  body.end();
  if (question.empty()) refuse("question", "is empty");
  if (static_cast<size_t>(chosen) >= answers.size()) refuse("chosen", "there is no such answer");
  Conversations& all = *call.state.conversations;
  std::string id;
  call.state.database.transaction([&] {
    id = all.create(call.caller.id, title_of(question), "").id;
    const StoredMessage asked = all.add(call.caller.id, {.conversation = id, .role = "user", .content = question});
    std::string leaf;
    for (size_t i = 0; i < answers.size(); ++i) {
      answers[i].conversation = id;
      answers[i].parent = asked.id;
      const StoredMessage kept = all.add(call.caller.id, answers[i]);
      if (i == static_cast<size_t>(chosen)) leaf = kept.id;
    }
    all.change(call.caller.id, id, {.title = {}, .folder = {}, .leaf = leaf, .pinned = {}});
  });
  send_json(call, 201, summary_json(all.get(call.caller.id, id)));
}

}  // namespace

RouteList compare() {
  RouteList all;
  const auto add = [&](Face face, const std::string& root, Scope scope) {
    const auto post = [&](const std::string& path, RouteHandler handler) {
      all.push_back(Route::with_key(face, "POST", root + path, scope, std::move(handler)));
    };
    post("/compare", [scope](RouteCall& call) { start(call, scope); });
    post("/compare/summary", summary);
    post("/compare/{id}/columns/{column}/stop", stop_column);
    post("/compare/{id}/columns/{column}/retry", retry);
  };
  add(Face::kOpenAi, "/v1", Scope::kInfer);
  add(Face::kPage, "/page", Scope::kPage);
  all.push_back(Route::with_key(Face::kPage, "POST", "/page/compare/keep", Scope::kPage, keep));
  return all;
}

}  // namespace shenbi::server::routes
