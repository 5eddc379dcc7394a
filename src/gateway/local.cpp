#include "gateway/local.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <future>

#include "base/error.h"
#include "base/folders.h"
#include "base/reason.h"
#include "engine/prompt.h"
#include "formats/inspect.h"
#include "formats/model_store.h"
#include "gateway/local_answer.h"
#include "gateway/local_grammar.h"
#include "trace/span.h"

namespace shenbi::gateway {
namespace {

using chat::OrderedJson;

void set(const std::optional<double>& given, float& field) {
  if (given) field = static_cast<float>(*given);
}

engine::SamplingParams sampling_of(const chat::Sampling& given, const engine::SamplingParams& defaults) {
  engine::SamplingParams params = defaults;
  set(given.temperature, params.temperature);
  set(given.top_p, params.top_p);
  set(given.min_p, params.min_p);
  set(given.typical_p, params.typical_p);
  set(given.repetition_penalty, params.repetition_penalty);
  set(given.frequency_penalty, params.frequency_penalty);
  set(given.presence_penalty, params.presence_penalty);
  set(given.dry_multiplier, params.dry.multiplier);
  set(given.dry_base, params.dry.base);
  const auto whole = [](const std::optional<int64_t>& value, uint32_t& field) {
    if (value) field = static_cast<uint32_t>(std::clamp<int64_t>(*value, 0, UINT32_MAX));
  };
  whole(given.top_k, params.top_k);
  whole(given.dry_allowed_length, params.dry.allowed_length);
  whole(given.dry_last_n, params.dry.last_n);
  params.seed = given.seed;
  for (const auto& [id, bias] : given.logit_bias) params.logit_bias[id] = static_cast<float>(bias);
  return params;
}

// What chat and completion ask of the engine alike.
engine::Request engine_request(const chat::Generation& generation, const engine::LoadedModel& model) {
  engine::Request request;
  request.sampling = sampling_of(generation.sampling, model.model().defaults);
  request.sampling.check(model.model().decoder->spec().vocab_size);
  request.max_tokens = static_cast<uint32_t>(std::min<uint64_t>(generation.max_tokens.value_or(0), UINT32_MAX));
  request.stop = generation.stop;
  request.stop_ids = generation.stop_ids;
  request.ignore_end = generation.ignore_end;
  request.logprobs = generation.logprobs || generation.top_logprobs > 0;
  request.top_logprobs = generation.top_logprobs;
  request.priority = generation.priority;
  request.tenant = generation.tenant;
  return request;
}

class LocalCall final : public Call {
 public:
  LocalCall(const std::shared_ptr<engine::Service>& service, engine::LoadedModelPtr model)
      : service_(service), model_(std::move(model)) {}
  void cancel() override {
    if (const auto service = service_.lock()) service->cancel(*model_, number);
  }
  uint64_t number = 0;

 private:
  std::weak_ptr<engine::Service> service_;  // an answer in flight keeps no service: the service keeps the answer
  engine::LoadedModelPtr model_;
};

// The switches that templates know for thinking: enable_thinking (Qwen 3, GLM), thinking (DeepSeek, Granite),
// reasoning_effort.
void add_thinking(const chat::ChatRequest& request, OrderedJson& variables) {
  std::optional<bool> on = request.thinking;
  if (!on && !request.reasoning_effort.empty()) on = request.reasoning_effort != "none";
  if (on) {
    variables["enable_thinking"] = *on;
    variables["thinking"] = *on;
  }
  if (!request.reasoning_effort.empty() && request.reasoning_effort != "none") {
    variables["reasoning_effort"] = request.reasoning_effort;
  }
}

engine::Prompt prompt_for(const chat::ChatRequest& request, const engine::Model& model) {
  const trace::Span span = trace::child("render prompt");
  for (const chat::Message& message : request.messages) {
    for (const chat::Part& part : message.parts) {
      if (part.kind != chat::Part::Kind::kText && part.kind != chat::Part::Kind::kThinking) {
        throw Error(Code::kInvalidArgument,
                    fmt::format("messages: {} reads text only, no images or other media", model.name));
      }
    }
  }
  if (request.messages.empty()) throw Error(Code::kInvalidArgument, "messages: at least one is needed");
  const bool tools = !request.tools.empty() && request.tool_choice.mode != chat::ToolChoice::Mode::kNone;
  if (tools && !model.chat_template) {
    throw Error(Code::kInvalidArgument, fmt::format("tools: {} is a base model, it has no form for tools", model.name));
  }
  OrderedJson variables = OrderedJson::object();
  variables["messages"] =
      chat::template_messages(request.messages, model.template_form, tools ? request.tools : std::vector<chat::Tool>());
  if (tools) variables["tools"] = chat::template_tools(request.tools);
  add_thinking(request, variables);
  if (request.template_arguments.is_object()) {
    for (const auto& [key, value] : request.template_arguments.items()) variables[key] = value;
  }
  if (request.continue_last) {
    if (request.messages.back().role != chat::Role::kAssistant) {
      throw Error(Code::kInvalidArgument, "continue: the last message is not the assistant's");
    }
    return engine::continued_prompt(model, std::move(variables));
  }
  return engine::chat_prompt(model, std::move(variables));
}

bool marks_thinking_by_control(const tokenizers::Tokenizer& tokenizer, const chat::ToolSyntax& syntax) {
  const auto id = syntax.thinking_begin.empty() ? std::nullopt : tokenizer.find_token(syntax.thinking_begin);
  return id && tokenizer.token_kind(*id) == tokenizers::TokenKind::kControl;
}

// What an effort means for a model whose template does not speak of efforts: the budgets that Gemini's OpenAI face has
// for them. High: as much as it likes.
std::optional<uint64_t> thinking_budget(const chat::ChatRequest& request, const engine::Model& model) {
  if (request.thinking_budget) return request.thinking_budget;
  if (!model.chat_template || model.chat_template->text().find("reasoning_effort") != std::string::npos) return {};
  if (request.reasoning_effort == "minimal" || request.reasoning_effort == "low") return 1024;
  if (request.reasoning_effort == "medium") return 8192;
  return {};
}

std::optional<engine::ThinkingLimit> thinking_limit(const chat::ChatRequest& request, const engine::Model& model,
                                                    const chat::ToolSyntax& syntax, bool open) {
  const auto budget = thinking_budget(request, model);
  if (!budget) return {};
  const auto marks = syntax.thinking_marks();
  auto closing = model.tokenizer->encode(marks.closing, {.add_special = false, .parse_special = true});
  return engine::ThinkingLimit{*budget, marks.begin, marks.end, std::move(closing), open};
}

std::shared_ptr<grammar::Matcher> matcher_of(const engine::LoadedModel& model, const AnswerGrammar& answer) {
  grammar::GrammarCache& known = model.grammars();
  return std::make_shared<grammar::Matcher>(
      known.matcher(answer.source, [&] { return answer.compile(known.vocabulary()->control_texts()); }));
}

class LocalProvider final : public Provider {
 public:
  LocalProvider(std::shared_ptr<engine::Service> service, std::vector<std::string> preload)
      : service_(std::move(service)), preload_(std::move(preload)) {}

  std::vector<ModelInfo> models() override;
  void prepare(const std::string& model) override { load(model); }
  bool is_ready(const std::string& asked) override {
    const std::string name = service_->real_name(asked);
    return is_offered(asked, name) && service_->loaded(name);
  }

  CallPtr chat(chat::ChatRequest request, EventSink sink) override {
    const auto loaded = load(request.model);
    const engine::Model& model = loaded->model();
    engine::Request work = engine_request(request, *loaded);
    engine::Prompt prompt = prompt_for(request, model);
    AnswerOptions options{.model = request.model,
                          .prompt_tokens = prompt.ids.size(),
                          .logprobs = work.logprobs,
                          .hidden_stops = prompt.stops};
    const bool calls = !request.tools.empty() && request.tool_choice.mode != chat::ToolChoice::Mode::kNone;
    const auto& syntax = syntax_of(model);
    options.trim_start = !model.chat_template && !request.continue_last;
    if (model.chat_template) {
      options.parser = {.tools = calls ? request.tools : std::vector<chat::Tool>(),
                        .parallel = request.parallel_tool_calls,
                        .thinking_open = ends_inside_thinking(prompt.text, syntax)};
      options.syntax = &syntax;
      // Families that mark calls, frames or thinking with control tokens: the parser must see the marks.
      work.keep_special = calls || syntax.framed || marks_thinking_by_control(*model.tokenizer, syntax);
      work.thinking = thinking_limit(request, model, syntax, options.parser.thinking_open);
    }
    if (const auto grammar = grammar_for(request, syntax, options.parser.thinking_open)) {
      work.matcher = matcher_of(*loaded, *grammar);
    }
    work.prompt = std::move(prompt.ids);
    work.stop.insert(work.stop.end(), prompt.stops.begin(), prompt.stops.end());
    return begin(loaded, std::move(work), std::move(options), std::move(sink));
  }

  CallPtr complete(chat::CompletionRequest request, EventSink sink) override {
    const auto loaded = load(request.model);
    if (!request.suffix.empty()) {
      throw Error(Code::kInvalidArgument, fmt::format("suffix: {} cannot fill in the middle", request.model));
    }
    engine::Request work = engine_request(request, *loaded);
    work.prompt = request.prompt_ids.empty()
                      ? loaded->model().tokenizer->encode(request.prompt, {.add_special = request.add_special})
                      : std::move(request.prompt_ids);
    AnswerOptions options{.model = request.model, .prompt_tokens = work.prompt.size(), .logprobs = work.logprobs};
    options.prompt_logprobs = request.prompt_logprobs;
    if (const auto grammar = grammar_for(request.format)) {
      work.matcher = matcher_of(*loaded, *grammar);
    }
    return begin(loaded, std::move(work), std::move(options), std::move(sink));
  }

  Embeddings embed(const EmbedRequest& asked, std::stop_token stop) override;
  void end_all(const Error& why) override { service_->fail_all(why.code(), why.what()); }

  std::vector<int32_t> tokenize(const std::string& model, std::string_view text, bool add_special,
                                bool parse_special) override {
    return load(model)->model().tokenizer->encode(text, {.add_special = add_special, .parse_special = parse_special});
  }

  std::string detokenize(const std::string& model, const std::vector<int32_t>& ids) override {
    const auto loaded = load(model);
    const size_t vocab = loaded->model().tokenizer->vocab_size();
    for (const int32_t id : ids) {
      if (id < 0 || static_cast<size_t>(id) >= vocab) {
        throw Error(Code::kInvalidArgument, fmt::format("tokens: {} is outside 0 to {}", id, vocab - 1));
      }
    }
    return loaded->model().tokenizer->decode(ids, true);
  }

  std::pair<std::string, std::vector<int32_t>> prompt_of(const chat::ChatRequest& request) override {
    engine::Prompt prompt = prompt_for(request, load(request.model)->model());
    return {std::move(prompt.text), std::move(prompt.ids)};
  }

 private:
  // Without a look into the store: whoever started the server named it.
  bool is_offered(const std::string& asked, const std::string& real_name) const {
    return real_name != asked || std::find(preload_.begin(), preload_.end(), real_name) != preload_.end();
  }

  engine::LoadedModelPtr load(const std::string& asked) {
    if (asked.empty()) throw Error(Code::kInvalidArgument, "model: a name is needed");
    const std::string name = service_->real_name(asked);
    // A request may name models of the store and those the server was started with, never a path of the machine. What
    // an alias stands for was named by whoever started the server.
    const bool offered = is_offered(asked, name);
    if (!offered) formats::ModelName::parse(name);
    if (!offered && !formats::ModelStore(data_folder()).find(name)) {
      throw ReasonedError(Code::kNotFound, Reason::kModelNotFound,
                          fmt::format("model '{}' is not here; get it with: shenbi pull {}", name, name));
    }
    return service_->load(name);
  }

  static const chat::ToolSyntax& syntax_of(const engine::Model& model) {
    return chat::find_tool_syntax(model.chat_template ? model.chat_template->text() : std::string());
  }

  CallPtr begin(const engine::LoadedModelPtr& loaded, engine::Request work, AnswerOptions options, EventSink sink) {
    auto call = std::make_shared<LocalCall>(service_, loaded);
    const auto answer = std::make_shared<LocalAnswer>(loaded->shared_model(), std::move(options), std::move(sink));
    work.on_wait = [answer](uint32_t ahead) { answer->waits(ahead); };
    work.on_token = [answer](const engine::TokenEvent& event) { answer->token(event); };
    if (answer->wants_prompt()) {
      work.on_prompt = [answer](const std::vector<engine::PromptToken>& tokens) { answer->prompt(tokens); };
    }
    call->number = service_->submit(*loaded, std::move(work));
    return call;
  }

  std::shared_ptr<engine::Service> service_;
  std::vector<std::string> preload_;
  std::mutex described_mutex_;
  std::map<std::string, ModelInfo> described_;  // by name and path: reading a file's head takes milliseconds
};

ModelInfo describe(const std::string& name, const std::filesystem::path& path) {
  ModelInfo info{.id = name, .owner = "local"};
  const auto checkpoint = formats::Checkpoint::open(path);
  const formats::Inspection found = formats::inspect(*checkpoint);
  info.chat = found.chat_template.has_value();
  info.tools = info.chat && found.chat_template->find("tools") != std::string::npos;
  info.thinking = info.chat && (found.chat_template->find("enable_thinking") != std::string::npos ||
                                found.chat_template->find("<think>") != std::string::npos);
  info.embeddings = true;
  info.context = found.context_length.value_or(0);
  info.bytes = found.file_bytes;
  info.parameters = found.parameters;
  info.architecture = found.architecture;
  info.format = found.format;
  if (!found.types.empty()) info.quantisation = found.types.front().type;
  return info;
}

std::vector<ModelInfo> LocalProvider::models() {
  const formats::ModelStore store(data_folder());
  std::vector<ModelInfo> all;
  const auto add = [&](const std::string& name, const std::filesystem::path& path, int64_t created,
                       const std::string& digest) {
    std::unique_lock lock(described_mutex_);
    const std::string key = name + '\n' + path.string() + '\n' + digest;
    auto found = described_.find(key);
    if (found == described_.end()) {
      ModelInfo info;
      try {
        info = describe(name, path);
      } catch (const Error&) {
        return;  // a damaged file is named by the load that asks for it, not by a list
      }
      info.created = created;
      info.digest = digest;
      found = described_.emplace(key, std::move(info)).first;
    }
    ModelInfo info = found->second;
    lock.unlock();
    if (const auto loaded = service_->loaded(name)) {
      info.loaded = true;
      info.context = loaded->context();
    }
    all.push_back(std::move(info));
  };
  for (const std::string& name : preload_) {
    try {
      add(name, engine::resolve_model(name), 0, "");
    } catch (const Error&) {
      continue;  // given at the start, removed since: who asks for it hears so, the list goes on
    }
  }
  for (const formats::StoredModel& stored : store.list()) {
    if (std::find(preload_.begin(), preload_.end(), stored.name) != preload_.end()) continue;
    if (const auto path = store.find(stored.name)) {
      add(stored.name, *path, stored.created, stored.files.empty() ? "" : stored.files.front().sha256);
    }
  }
  // An alias hides a model of its own name, as it does when it is asked for.
  const auto& aliases = service_->aliases();
  const std::vector<ModelInfo> real = all;
  std::erase_if(all, [&](const ModelInfo& model) { return aliases.contains(model.id); });
  for (const auto& [alias, name] : aliases) {
    const auto model = std::find_if(real.begin(), real.end(),
                                    [&](const ModelInfo& m) { return m.id == name || m.id == name + ":latest"; });
    if (model == real.end()) {  // a file that the server was given under this name alone
      add(alias, engine::resolve_model(name), 0, "");
      continue;
    }
    all.push_back(*model);
    all.back().id = alias;
    all.back().alias_of = model->id;
  }
  return all;
}

Embeddings LocalProvider::embed(const EmbedRequest& asked, std::stop_token stop) {
  const uint32_t dimensions = asked.dimensions;
  const auto loaded = load(asked.model);
  const uint32_t width = loaded->model().decoder->spec().embedding_size;
  if (dimensions > width) {
    throw Error(Code::kInvalidArgument,
                fmt::format("dimensions: {} asked for, {} has {}", dimensions, asked.model, width));
  }
  // Also where one of the texts is refused: nobody needs the others then.
  const auto cancelled = std::make_shared<std::atomic<bool>>(false);
  const std::stop_callback on_stop(std::move(stop), [cancelled] { *cancelled = true; });
  const std::shared_ptr<void> at_end(nullptr, [cancelled](void*) { *cancelled = true; });
  Embeddings result;
  std::vector<std::future<std::vector<float>>> waiting;
  for (const std::string& input : asked.inputs) {
    engine::EmbeddingRequest request{.tokens = loaded->model().tokenizer->encode(input)};
    result.tokens += request.tokens.size();
    auto promise = std::make_shared<std::promise<std::vector<float>>>();
    waiting.push_back(promise->get_future());
    request.cancelled = cancelled;
    request.on_done = [promise](std::vector<float> vector, const Error* failure) {
      if (failure) return promise->set_exception(std::make_exception_ptr(*failure));
      promise->set_value(std::move(vector));
    };
    service_->submit(*loaded, std::move(request));
  }
  for (auto& future : waiting) {
    std::vector<float> vector = future.get();
    if (dimensions > 0) vector.resize(dimensions);
    double square = 0;
    for (const float v : vector) square += static_cast<double>(v) * v;
    const double scale = square > 0 ? 1 / std::sqrt(square) : 0;
    for (float& v : vector) v = static_cast<float>(v * scale);
    result.vectors.push_back(std::move(vector));
  }
  return result;
}

}  // namespace

std::shared_ptr<Provider> make_local_provider(std::shared_ptr<engine::Service> service,
                                              std::vector<std::string> preload) {
  return std::make_shared<LocalProvider>(std::move(service), std::move(preload));
}

}  // namespace shenbi::gateway
