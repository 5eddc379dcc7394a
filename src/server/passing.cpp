#include "server/passing.h"

#include <optional>
#include <stop_token>

#include "base/error.h"
#include "chat/dialect_anthropic.h"
#include "chat/dialect_gemini.h"
#include "chat/dialect_openai.h"
#include "chat/passed_writer.h"
#include "server/answering.h"
#include "server/state.h"

namespace shenbi::server {
namespace {

using gateway::Dialect;

// What a caller says beside the body and belongs to the dialect.
constexpr std::string_view kPassedHeaders[] = {"anthropic-beta", "anthropic-version", "openai-beta"};

net::Headers passed_headers(const net::ServerRequest& request) {
  net::Headers headers;
  for (const std::string_view name : kPassedHeaders) {
    if (const auto value = request.header(name); !value.empty()) headers.emplace_back(name, value);
  }
  return headers;
}

std::string error_body(Dialect dialect, int status, std::string_view message, const chat::ErrorFacts& facts) {
  if (dialect == Dialect::kAnthropic) return chat::anthropic_error(status, message, facts);
  if (dialect == Dialect::kGemini) return chat::gemini_error(status, message, facts);
  return chat::openai_error(status, message, facts);
}

std::string stream_error(Dialect dialect, int status, std::string_view message, const chat::ErrorFacts& facts) {
  const std::string data = "data: " + error_body(dialect, status, message, facts) + "\n\n";
  if (dialect == Dialect::kAnthropic || dialect == Dialect::kResponses) return "event: error\n" + data;
  return dialect == Dialect::kOpenAi ? data + "data: [DONE]\n\n" : data;
}

std::optional<chat::RequestPeek> peek(const std::string& body) {
  try {
    return chat::peek_request(body);
  } catch (const Error&) {
    return std::nullopt;  // the dialect's parser finds words for it
  }
}

// What of a request the form of its answer depends on, as a request of its own.
std::string form_of(Dialect dialect, const std::string& body) {
  using chat::OrderedJson;
  if (dialect == Dialect::kGemini) return R"({"contents":[{"parts":[{"text":"?"}]}]})";
  const OrderedJson asked = OrderedJson::parse(body);
  OrderedJson form = {{"max_tokens", 1}, {"messages", {{{"role", "user"}, {"content", "?"}}}}};
  for (const char* field : {"model", "stream"}) {
    if (asked.contains(field)) form[field] = asked[field];
  }
  if (const auto options = asked.find("stream_options"); options != asked.end() && options->is_object()) {
    const auto usage = options->find("include_usage");
    if (usage != options->end() && usage->is_boolean()) form["stream_options"]["include_usage"] = *usage;
  }
  return form.dump();
}

// Made once, when somebody needs it.
class Translated {
 public:
  Translated(std::shared_ptr<const std::string> body, std::function<Translation(const std::string&)> make,
             const RouteCall& call)
      : body_(std::move(body)), make_(std::move(make)), tenant_(call.caller.id), priority_(call.priority) {}
  const Translation& get() {
    if (made_) return *made_;
    made_ = make_(*body_);
    made_->request.tenant = tenant_;
    made_->request.priority += priority_;
    return *made_;
  }
  // For an answer that came in the form that was not asked for. Its request went through, so it may hold what no parser
  // of ours understands; all that its answer's form depends on is understood.
  std::unique_ptr<chat::AnswerWriter> writer(Dialect dialect, bool several) {
    try {
      return get().writer();
    } catch (const Error&) {
      if (several) throw;
      return make_(form_of(dialect, *body_)).writer();
    }
  }

 private:
  const std::shared_ptr<const std::string> body_;
  const std::function<Translation(const std::string&)> make_;
  const std::string tenant_;
  const int priority_;
  std::optional<Translation> made_;
};

struct Passable {
  gateway::Passing* passing;
  gateway::Passage passage;  // without its body
};

// Nothing: nobody passes anything on, or the body is for the dialect's parser to refuse.
std::optional<Passable> passable(const RouteCall& call, const PassablePath& path) {
  // Not held by the answer: its last word is told on a thread of the provider, which may not be the one to end it.
  auto* const passing = dynamic_cast<gateway::Passing*>(call.state.provider.get());
  if (!passing || !passing->passes_any()) return std::nullopt;
  auto found = peek(call.request.body);
  if (!found) return std::nullopt;
  gateway::Passage passage{.dialect = path.dialect, .body = {}, .peek = std::move(*found), .model = {}};
  passage.model = path.model.empty() ? passage.peek.model : path.model;
  passage.stream = path.stream.value_or(passage.peek.stream);
  if (passage.model.empty()) return std::nullopt;
  passage.tenant = call.caller.id;
  passage.headers = passed_headers(call.request);
  return Passable{passing, std::move(passage)};
}

// Of a passage that has its body.
std::shared_ptr<Translated> translate(const RouteCall& call, PassablePath& path, gateway::Passage& passage) {
  const auto translated = std::make_shared<Translated>(passage.body, std::move(path.translate), call);
  passage.translated = [translated]() -> const chat::ChatRequest& { return translated->get().request; };
  return translated;
}

}  // namespace

bool pass(RouteCall& call, PassablePath path) {
  auto found = passable(call, path);
  if (!found || !found->passing->passes(found->passage.model, path.dialect)) return false;
  auto* const passing = found->passing;
  gateway::Passage& passage = found->passage;
  check_caller(call, passage.model);

  std::string key = cache_key(call);
  passage.body = std::make_shared<const std::string>(std::move(call.request.body));
  const auto translated = translate(call, path, passage);

  AnswerPlan plan{.stream = passage.stream, .passed = true, .cache_key = std::move(key), .model = passage.model};
  const auto bytes = std::make_shared<chat::PassedBytes>();
  plan.writer = std::make_unique<chat::PassedWriter>(
      bytes,
      chat::PassedForm{
          .stream = passage.stream,
          .error = [d = path.dialect](int status, std::string_view why,
                                      const chat::ErrorFacts& facts) { return error_body(d, status, why, facts); },
          .stream_error = [d = path.dialect](
                              int status, std::string_view why,
                              const chat::ErrorFacts& facts) { return stream_error(d, status, why, facts); },
          .translator = [translated, d = path.dialect,
                         several = passage.peek.answers > 1] { return translated->writer(d, several); }});
  plan.starts.push_back([passing, bytes, passage = std::move(passage)](gateway::EventSink sink) mutable {
    const auto wire = [bytes](std::string_view more, bool last) { bytes->add(more, last); };
    return passing->pass(std::move(passage), wire, std::move(sink));
  });
  answer(call, std::move(plan));
  return true;
}

bool pass_count(RouteCall& call, PassablePath path) {
  auto found = passable(call, path);
  if (!found) return false;
  check_caller(call, found->passage.model);
  std::stop_source gone;
  call.exchange->on_gone([gone]() mutable { gone.request_stop(); });
  const auto body = std::make_shared<std::string>(std::move(call.request.body));
  found->passage.body = body;
  translate(call, path, found->passage);
  if (const auto counted = found->passing->count(std::move(found->passage), gone.get_token())) {
    call.exchange->send(json_response(200, *counted));
    return true;
  }
  call.request.body = std::move(*body);
  return false;
}

}  // namespace shenbi::server
