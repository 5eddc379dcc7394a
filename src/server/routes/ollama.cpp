// Ollama's API: chat, generate, embed, and the care of models.

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>

#include "base/folders.h"
#include "base/limits.h"
#include "base/reason.h"
#include "base/version.h"
#include "chat/dialect_ollama.h"
#include "formats/model_store.h"
#include "gateway/router.h"

#include "chat/fields.h"
#include "server/answering.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::Fields;
using chat::OllamaWriter;
using chat::OrderedJson;
using std::chrono::steady_clock;

// Ollama's names may leave the tag away; a model of the store always has one, an alias, a route and a model of an
// upstream are as they were given.
std::string full_name(const RouteCall& call, const std::string& name) {
  constexpr std::string_view kTag = ":latest";
  const auto& aliases = call.state.service->aliases();
  if (aliases.contains(name)) return name;
  const auto router = std::dynamic_pointer_cast<gateway::Router>(call.state.provider);
  if (router && router->leads_further(name)) return name;
  if (name.find(':') == std::string::npos) return name + std::string(kTag);
  const std::string bare = name.ends_with(kTag) ? name.substr(0, name.size() - kTag.size()) : name;
  return aliases.contains(bare) ? bare : name;
}

std::string iso_time(int64_t seconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

// Durations for the last line of an answer: load until the start, prompt until the first token, the rest.
struct Clock {
  steady_clock::time_point asked = steady_clock::now(), loaded = asked, first = asked;
  bool any = false;
  chat::OllamaDurations durations() const {
    const auto ns = [](auto from, auto to) {
      return std::chrono::duration_cast<std::chrono::nanoseconds>(to - from).count();
    };
    const auto now = steady_clock::now();
    const auto begun = any ? first : now;
    return {.total = ns(asked, now), .load = ns(asked, loaded), .prompt = ns(loaded, begun), .answer = ns(begun, now)};
  }
};

// How long the model stays after this request.
void keep(RouteCall& call, const chat::OllamaCommon& common, const std::string& model) {
  if (!common.keep_alive) return;
  if (const auto loaded = call.state.service->loaded(model)) loaded->keep_for(*common.keep_alive);
}

bool load_or_unload(RouteCall& call, OllamaWriter::Route route, const chat::OllamaCommon& common,
                    const std::string& model, bool only_load) {
  if (!only_load) return false;
  const bool unload = common.keep_alive && *common.keep_alive == 0;
  if (unload)
    call.state.service->unload(model);
  else
    call.state.provider->prepare(model);
  if (!unload) keep(call, common, model);
  call.exchange->send(
      json_response(200, chat::ollama_loaded(route, {.id = {}, .model = model, .created = seconds_now()}, unload)));
  return true;
}

AnswerPlan plan_for(OllamaWriter::Route route, bool stream, const std::string& model,
                    const std::shared_ptr<Clock>& clock) {
  AnswerPlan plan{.stream = stream, .model = model};
  auto writer = std::make_unique<OllamaWriter>(route, stream, chat::AnswerHead{{}, model, seconds_now()});
  plan.before = [clock, writer = writer.get()](const chat::Event& event) {
    if (event.tokens > 0 && !clock->any) {
      clock->any = true;
      clock->first = steady_clock::now();
    }
    if (event.kind == chat::Event::Kind::kFinish) writer->set_durations(clock->durations());
  };
  plan.writer = std::move(writer);
  return plan;
}

void check_context(RouteCall& call, const chat::OllamaCommon& common, const std::string& model) {
  if (!common.context) return;
  call.state.provider->prepare(model);
  const auto loaded = call.state.service->loaded(model);
  if (loaded && *common.context > loaded->context()) {
    throw Error(Code::kInvalidArgument,
                fmt::format("options.num_ctx: {} asked for, {} runs with {}: start the server with --context",
                            *common.context, model, loaded->context()));
  }
}

void chat_route(RouteCall& call) {
  auto clock = std::make_shared<Clock>();
  chat::OllamaChat parsed = chat::parse_ollama_chat(call.request.body);
  parsed.request.model = full_name(call, parsed.request.model);
  const std::string& model = parsed.request.model;
  check_caller(call, model);
  if (load_or_unload(call, OllamaWriter::Route::kChat, parsed, model, parsed.only_load)) return;
  check_context(call, parsed, model);
  parsed.request.tenant = call.caller.id;
  AnswerPlan plan = plan_for(OllamaWriter::Route::kChat, parsed.stream, model, clock);
  plan.starts.push_back([&state = call.state, clock, request = parsed.request](gateway::EventSink sink) {
    state.provider->prepare(request.model);
    clock->loaded = steady_clock::now();
    return state.provider->chat(request, std::move(sink));
  });
  answer(call, std::move(plan));
  keep(call, parsed, model);
}

void generate_route(RouteCall& call) {
  auto clock = std::make_shared<Clock>();
  chat::OllamaGenerate parsed = chat::parse_ollama_generate(call.request.body);
  const std::string model = full_name(call, parsed.uses_chat ? parsed.chat.model : parsed.completion.model);
  parsed.chat.model = parsed.completion.model = model;
  parsed.chat.tenant = parsed.completion.tenant = call.caller.id;
  check_caller(call, model);
  if (load_or_unload(call, OllamaWriter::Route::kGenerate, parsed, model, parsed.only_load)) return;
  check_context(call, parsed, model);
  AnswerPlan plan = plan_for(OllamaWriter::Route::kGenerate, parsed.stream, model, clock);
  plan.starts.push_back([&state = call.state, clock, parsed, model](gateway::EventSink sink) {
    state.provider->prepare(model);
    clock->loaded = steady_clock::now();
    return parsed.uses_chat ? state.provider->chat(parsed.chat, std::move(sink))
                            : state.provider->complete(parsed.completion, std::move(sink));
  });
  answer(call, std::move(plan));
  keep(call, parsed, model);
}

void embed(RouteCall& call) {
  const auto start = steady_clock::now();
  Fields body = Fields::of_body(call.request.body);
  const std::string model = full_name(call, body.needed_text("model"));
  body.needed("input");
  const auto input = body.texts("input", limits::kMaxEmbeddingInputs);
  const auto dimensions = body.integer("dimensions", 1, 1 << 20);
  const bool cut = body.boolean("truncate").value_or(false);
  chat::OllamaCommon common;
  if (const OrderedJson* keep_alive = body.find("keep_alive")) {
    common.keep_alive = chat::ollama_keep_alive(*keep_alive);
  }
  if (const OrderedJson* options = body.object("options")) Fields(*options, "options").end();
  body.end();
  if (cut) throw Error(Code::kInvalidArgument, "truncate: no text is cut here; one that is too long is an error");
  check_caller(call, model);
  const auto result = server::embed(call, model, input, static_cast<uint32_t>(dimensions.value_or(0)));
  keep(call, common, model);
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(steady_clock::now() - start).count();
  send_json(call, 200,
            {{"model", model},
             {"embeddings", result.vectors},
             {"total_duration", ns},
             {"load_duration", 0},
             {"prompt_eval_count", result.tokens}});
}

OrderedJson details(const gateway::ModelInfo& m) {
  return {{"parent_model", ""},
          {"format", m.format == "GGUF" ? "gguf" : "safetensors"},
          {"family", m.architecture},
          {"families", {m.architecture}},
          {"parameter_size", fmt::format("{:.1f}M", static_cast<double>(m.parameters) / 1e6)},
          {"quantization_level", m.quantisation}};
}

void tags(RouteCall& call) {
  OrderedJson models = OrderedJson::array();
  for (const auto& m : visible_models(call)) {
    models.push_back({{"name", m.id},
                      {"model", m.id},
                      {"modified_at", iso_time(m.created)},
                      {"size", m.bytes},
                      {"digest", m.digest},
                      {"details", details(m)}});
  }
  send_json(call, 200, {{"models", models}});
}

void ps(RouteCall& call) {
  OrderedJson models = OrderedJson::array();
  for (const auto& m : visible_models(call)) {
    const auto loaded = call.state.service->loaded(m.id);
    if (!loaded) continue;
    models.push_back({{"name", m.id},
                      {"model", m.id},
                      {"size", loaded->bytes()},
                      {"digest", m.digest},
                      {"details", details(m)},
                      {"expires_at", "9999-12-31T23:59:59Z"},
                      {"size_vram", 0},
                      {"context_length", loaded->context()}});
  }
  send_json(call, 200, {{"models", models}});
}

void show_model(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const auto name = body.text("model"), old_name = body.text("name");
  body.boolean("verbose");
  body.end();
  const std::string model = full_name(call, name ? *name : old_name.value_or(""));
  call.state.keys.check_model(call.caller, model);
  for (const auto& m : visible_models(call)) {
    if (m.id != model) continue;
    OrderedJson capabilities = {"completion"};
    if (m.tools) capabilities.push_back("tools");
    if (m.thinking) capabilities.push_back("thinking");
    call.state.provider->prepare(model);
    const auto loaded = call.state.service->load(model);
    const auto& chat_template = loaded->model().chat_template;
    const OrderedJson info = {{"general.architecture", m.architecture},
                              {"general.parameter_count", m.parameters},
                              {m.architecture + ".context_length", loaded->context()}};
    return send_json(call, 200,
                     {{"modelfile", ""},
                      {"parameters", ""},
                      {"template", chat_template ? chat_template->text() : ""},
                      {"details", details(m)},
                      {"model_info", info},
                      {"capabilities", capabilities},
                      {"modified_at", iso_time(m.created)}});
  }
  throw ReasonedError(Code::kNotFound, Reason::kModelNotFound, fmt::format("model '{}' is not here", model));
}

void ollama_version(RouteCall& call) { send_json(call, 200, {{"version", kVersion}}); }

void remove_model(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const auto name = body.text("model"), old_name = body.text("name");
  body.end();
  const std::string model = full_name(call, name ? *name : old_name.value_or(""));
  formats::ModelStore(data_folder()).remove(model);
  call.state.service->unload(model);
  call.exchange->send({.status = 200, .headers = {}, .body = {}});
}

void copy(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const std::string source = full_name(call, body.needed_text("source")),
                    destination = full_name(call, body.needed_text("destination"));
  body.end();
  formats::ModelStore(data_folder()).copy(source, destination);
  call.exchange->send({.status = 200, .headers = {}, .body = {}});
}

}  // namespace

RouteList ollama() {
  const auto with = [](Scope scope, std::string_view method, std::string_view pattern, RouteHandler handler) {
    return Route::with_key(Face::kOllama, method, pattern, scope, std::move(handler));
  };
  return {with(Scope::kInfer, "POST", "/api/chat", chat_route),
          with(Scope::kInfer, "POST", "/api/generate", generate_route),
          with(Scope::kInfer, "POST", "/api/embed", embed),
          with(Scope::kRead, "GET", "/api/tags", tags),
          with(Scope::kRead, "GET", "/api/ps", ps),
          with(Scope::kRead, "POST", "/api/show", show_model),
          with(Scope::kManage, "DELETE", "/api/delete", remove_model),
          with(Scope::kManage, "POST", "/api/copy", copy),
          Route::open(Face::kOllama, "GET", "/api/version", ollama_version)};
}

}  // namespace shenbi::server::routes
