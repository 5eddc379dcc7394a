// shenbi ask -m a,b,c "...": one question to several models, local ones and other houses', in this process.

#include <fmt/format.h>

#include <condition_variable>
#include <cstdio>
#include <iostream>
#include <memory>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/folders.h"
#include "base/json.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "cli/database_option.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/session.h"
#include "engine/service.h"
#include "gateway/comparison.h"
#include "gateway/judging.h"
#include "gateway/local.h"
#include "gateway/router.h"
#include "server/accounting.h"
#include "server/comparisons.h"

namespace shenbi::cli::commands {
namespace {

using gateway::Column;

// Narrower columns than this are read worse than texts one below the other.
constexpr size_t kNarrowest = 36;

struct Options {
  std::vector<std::string> models, words;
  std::string file, system, judge;
  SamplingOptions sampling;
  uint32_t tokens = 0, threads = 0, width = 0;
  bool json = false, quiet = false;
  DatabaseOption database;
};

// The accounts of other houses, and the ledger. They lie in the database, which one process holds at a time.
struct Accounts {
  explicit Accounts(const std::string& place) : database(place) {}
  store::Database database;
  gateway::Upstreams upstreams{database};
  ledger::Ledger ledger{database};
  catalog::Library library{catalog::user_file(data_folder())};
  ledger::Budgets budgets{database, ledger, {}};
  server::Accounting accounting{budgets, library, upstreams,
                                [](const std::string&) { return uint64_t{engine::ServiceOptions().context_cap}; }};
};

bool is_local(const std::string& model) {
  try {
    engine::resolve_model(model);
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Nothing, which is said, if another program holds the database and all models are local ones: they need no account
// there.
std::unique_ptr<Accounts> open_accounts(const std::vector<std::string>& models, const std::string& place) {
  try {
    return std::make_unique<Accounts>(place);
  } catch (const Error& error) {
    for (const std::string& model : models) {
      if (!is_local(model)) throw;
    }
    std::fprintf(stderr, "without the ledger and its budgets, as all models are local: %s\n", error.what());
    return nullptr;
  }
}

class Desk {
 public:
  explicit Desk(const Options& options, const std::vector<std::string>& models)
      : accounts_(open_accounts(models, options.database.place())),
        service_(std::make_shared<engine::Service>(engine::ServiceOptions{
            .threads = options.threads, .aliases = {}, .on_load = {}, .cache = formats::CacheFolder::of_user()})) {
    auto local = gateway::make_local_provider(service_, models_on_disk(models));
    if (!accounts_) {
      provider_ = std::move(local);
      return;
    }
    gateway::RouterOptions router;
    router.run = [this](std::function<void()> job) { return run(std::move(job)); };
    router.admit = [this](const gateway::Attempt& attempt, const gateway::Need& need) {
      return accounts_->accounting.admit(attempt, need);
    };
    router.on_attempt = [this](const gateway::Attempt& attempt) {
      accounts_->accounting.file(attempt);
      receipts_.note(attempt.request_id, [&] {
        const auto upstream = accounts_->upstreams.find(attempt.upstream);
        return server::row_of(attempt, upstream ? &*upstream : nullptr, *accounts_->library.current());
      });
    };
    router.request_id = [] { return server::Receipts::current_id(); };
    provider_ = std::make_shared<gateway::Router>(std::move(local), accounts_->upstreams, std::move(router));
  }
  ~Desk() {
    join();
    service_->stop();
  }

  // Asks all and returns when all have ended. `told` sees every column after each of its events.
  std::vector<Column> ask(const std::vector<chat::ChatRequest>& requests,
                          const std::function<void(uint32_t, const Column&)>& told) {
    std::vector<std::string> models;
    for (const chat::ChatRequest& request : requests) models.push_back(request.model);
    std::vector<Column> columns(models.size());
    bool done = false;
    const uint32_t turn = turns_++;
    auto comparison = std::make_shared<gateway::Comparison>(
        models, gateway::Comparison::Hooks{
                    .start =
                        [&, turn](uint32_t column, uint32_t, gateway::EventSink sink) {
                          const server::Receipts::Expected expected(receipts_, fmt::format("ask-{}.{}", turn, column));
                          return provider_->chat(requests[column], std::move(sink));
                        },
                    .run = [this](std::function<void()> job) { return run(std::move(job)); },
                    .on_begin = [](uint32_t, const Column&) {},
                    .on_event =
                        [&](uint32_t index, const Column& column, const chat::Event&, bool all_ended) {
                          std::lock_guard lock(mutex_);
                          columns[index] = column;
                          if (told) told(index, column);
                          if (all_ended) done = true, changed_.notify_all();
                        }});
    Interrupt interrupt;
    comparison->start();
    {
      std::unique_lock lock(mutex_);
      while (!done) {
        // A signal wakes nobody: it is looked for.
        changed_.wait_for(lock, std::chrono::milliseconds(50), [&] { return done; });
        if (!interrupt.raised()) continue;
        interrupt.clear();
        lock.unlock();
        comparison->stop_all();
        lock.lock();
      }
    }
    join();
    receipts_of_.clear();
    for (uint32_t i = 0; i < columns.size(); ++i) {
      receipts_of_.push_back(receipts_.take(fmt::format("ask-{}.{}", turn, i)));
    }
    return columns;
  }

  /// Of the columns asked last.
  const std::vector<std::optional<server::Receipt>>& receipts() const { return receipts_of_; }

 private:
  static std::vector<std::string> models_on_disk(const std::vector<std::string>& models) {
    std::vector<std::string> found;
    for (const std::string& model : models) {
      if (is_local(model)) found.push_back(model);
    }
    return found;
  }

  bool run(std::function<void()> job) {
    std::lock_guard lock(threads_mutex_);
    threads_.emplace_back(std::move(job));
    return true;
  }
  void join() {
    while (true) {
      std::thread last;
      {
        std::lock_guard lock(threads_mutex_);
        if (threads_.empty()) return;
        last = std::move(threads_.back());
        threads_.pop_back();
      }
      last.join();
    }
  }

  std::unique_ptr<Accounts> accounts_;
  server::Receipts receipts_;
  std::vector<std::optional<server::Receipt>> receipts_of_;
  std::shared_ptr<engine::Service> service_;
  std::shared_ptr<gateway::Provider> provider_;
  std::mutex mutex_, threads_mutex_;
  std::condition_variable changed_;
  std::vector<std::thread> threads_;
  uint32_t turns_ = 0;
};

std::string money(const std::optional<server::Receipt>& receipt) {
  if (!receipt || !receipt->cost_nano_usd) return "price unknown";
  return *receipt->cost_nano_usd == 0 ? "free"
                                      : fmt::format("${:.6f}", static_cast<double>(*receipt->cost_nano_usd) / 1e9);
}

std::string foot_of(const Column& column, const std::optional<server::Receipt>& receipt) {
  if (column.status == Column::Status::kFailed) return "failed: " + plain_text(column.answer.error);
  std::string foot =
      fmt::format("{} + {} tokens", column.answer.usage.prompt_tokens, column.answer.usage.completion_tokens);
  if (column.first_token_s >= 0) foot += fmt::format(", first after {:.2f} s", column.first_token_s);
  if (column.tokens_per_s >= 0) foot += fmt::format(", {:.1f} tokens/s", column.tokens_per_s);
  foot += fmt::format(", {:.2f} s, {}", column.total_s, money(receipt));
  return column.status == Column::Status::kStopped ? foot + " (stopped)" : foot;
}

// One text below the other: the first that is not whole is written as it comes.
class Below {
 public:
  /// `role` follows the model's name in the head of each text.
  explicit Below(std::string role = "") : role_(std::move(role)) {}

  void told(uint32_t index, const Column& column) {
    now_.resize(std::max<size_t>(now_.size(), index + 1));
    now_[index] = column;
    while (at_ < now_.size()) {
      const Column& current = now_[at_];
      if (!current.model.empty() && written_ == 0 && !headed_) {
        std::cout << (at_ > 0 ? "\n" : "") << "== " << current.model << role_ << " ==\n";
        headed_ = true;
      }
      const std::string& text = current.answer.text;
      if (text.size() > written_) std::cout << plain_text(std::string_view(text).substr(written_)) << std::flush;
      written_ = text.size();
      if (current.model.empty() || current.status == Column::Status::kRunning) return;
      std::cout << "\n";
      next();
    }
  }

 private:
  void next() {
    ++at_;
    written_ = 0;
    headed_ = false;
  }
  std::string role_;
  std::vector<Column> now_;
  size_t at_ = 0, written_ = 0;
  bool headed_ = false;
};

std::vector<std::string> names_in(const std::vector<std::string>& lists) {
  std::vector<std::string> names;
  for (const std::string& list : lists) {
    for (size_t at = 0; at <= list.size();) {
      const size_t comma = std::min(list.find(',', at), list.size());
      if (comma > at) names.push_back(list.substr(at, comma - at));
      at = comma + 1;
    }
  }
  if (names.empty()) throw Error(Code::kInvalidArgument, "-m: names of models, with commas between");
  if (names.size() > server::kMaxComparedModels) {
    throw Error(Code::kInvalidArgument,
                fmt::format("-m: {} models, at most {}", names.size(), server::kMaxComparedModels));
  }
  return names;
}

chat::ChatRequest request_of(const Options& options, const std::string& text) {
  chat::ChatRequest request;
  const auto say = [&](chat::Role role, const std::string& words) {
    chat::Message message{.role = role};
    message.parts.push_back({.kind = chat::Part::Kind::kText, .text = words});
    request.messages.push_back(std::move(message));
  };
  if (!options.system.empty()) say(chat::Role::kSystem, options.system);
  say(chat::Role::kUser, text);
  const SamplingOptions& s = options.sampling;
  const auto set = [](double given, std::optional<double>& field) {
    if (given != kModelDefault) field = given;
  };
  set(s.temperature, request.sampling.temperature);
  set(s.top_p, request.sampling.top_p);
  set(s.min_p, request.sampling.min_p);
  set(s.typical_p, request.sampling.typical_p);
  set(s.repetition_penalty, request.sampling.repetition_penalty);
  set(s.dry_multiplier, request.sampling.dry_multiplier);
  if (s.frequency_penalty != 0) request.sampling.frequency_penalty = s.frequency_penalty;
  if (s.presence_penalty != 0) request.sampling.presence_penalty = s.presence_penalty;
  if (s.top_k >= 0) request.sampling.top_k = s.top_k;
  if (s.seed >= 0) request.sampling.seed = static_cast<uint64_t>(s.seed);
  if (options.tokens > 0) request.max_tokens = options.tokens;
  return request;
}

std::vector<gateway::JudgedAnswer> judged(const std::vector<Column>& columns) {
  std::vector<gateway::JudgedAnswer> answers;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].answer.text.empty()) continue;
    answers.push_back({.name = fmt::format("{} ({})", columns[i].model, i + 1), .text = columns[i].answer.text});
  }
  return answers;
}

chat::OrderedJson json_of(uint32_t index, const Column& column, const std::optional<server::Receipt>& receipt) {
  chat::OrderedJson json = server::column_json(index, column, receipt);
  json["content"] = column.answer.text;
  if (!column.answer.thinking.empty()) json["thinking"] = column.answer.thinking;
  return json;
}

int execute(const Options& options) {
  std::string words;
  for (const std::string& word : options.words) words += (words.empty() ? "" : " ") + word;
  const std::string text = read_text(options.file, words);
  const auto models = names_in(options.models);
  std::vector<chat::ChatRequest> requests(models.size(), request_of(options, text));
  for (size_t i = 0; i < models.size(); ++i) requests[i].model = models[i];
  auto all = models;
  if (!options.judge.empty()) all.push_back(options.judge);
  Desk desk(options, all);

  const size_t width = options.width > 0 ? options.width : terminal_width();
  const bool side_by_side = !options.json && models.size() > 1 && width / models.size() >= kNarrowest;
  Below below;
  const auto columns = desk.ask(
      requests, options.json || side_by_side ? std::function<void(uint32_t, const Column&)>()
                                             : [&](uint32_t i, const Column& column) { below.told(i, column); });
  const auto receipts = desk.receipts();
  chat::OrderedJson json = {{"columns", chat::OrderedJson::array()}};
  std::vector<TextColumn> shown;
  for (uint32_t i = 0; i < columns.size(); ++i) {
    json["columns"].push_back(json_of(i, columns[i], receipts[i]));
    shown.push_back({columns[i].model, plain_text(columns[i].answer.text), foot_of(columns[i], receipts[i])});
    if (!options.json && !side_by_side && !options.quiet) {
      std::fprintf(stderr, "%s: %s\n", shown[i].head.c_str(), shown[i].foot.c_str());
    }
  }
  if (side_by_side) std::cout << beside(shown, width);

  const auto answers = judged(columns);
  if (!options.judge.empty() && answers.size() > 1) {
    const bool own = std::find(models.begin(), models.end(), options.judge) != models.end();
    Below spoken(own ? " sums up (it judges an answer of its own, too)" : " sums up");
    if (!options.json) std::cout << "\n";
    const auto told = [&](uint32_t i, const Column& column) { spoken.told(i, column); };
    const auto summary = desk.ask({gateway::summary_request(options.judge, text, answers)},
                                  options.json ? std::function<void(uint32_t, const Column&)>() : told);
    json["judge"] = json_of(0, summary[0], desk.receipts()[0]);
    if (!options.json && !options.quiet) {
      std::fprintf(stderr, "%s: %s\n", options.judge.c_str(), foot_of(summary[0], desk.receipts()[0]).c_str());
    }
  }
  if (!options.judge.empty() && answers.size() < 2) {
    std::fprintf(stderr, "%s is not asked to judge: fewer than two models answered\n", options.judge.c_str());
  }
  if (options.json) {
    std::cout << json.dump(2, ' ', false, chat::OrderedJson::error_handler_t::replace) << "\n";
  }
  const bool any = std::any_of(columns.begin(), columns.end(),
                               [](const Column& column) { return column.status != Column::Status::kFailed; });
  return any ? 0 : 1;
}

}  // namespace

Command ask() {
  auto options = std::make_shared<Options>();
  return {.name = "ask",
          .summary = "Ask several models the same question, side by side",
          .group = "Use a model",
          .declare =
              [options](Arguments& args) {
                args.positional("PROMPT", options->words, "the question (or use --file)").rest();
                args.option("-m,--model", options->models,
                            "names with commas between, local or UPSTREAM/MODEL; may be repeated")
                    .required();
                args.option("-f,--file", options->file, "read the question from this file, - for standard input");
                args.option("--system", options->system, "what comes before the question");
                args.option("--judge", options->judge, "a model that sums up where the answers agree");
                args.option("-n,--tokens", options->tokens, "stop each answer after this many tokens; 0: no bound")
                    .range(0, 1e6);
                args.option("-t,--threads", options->threads, "threads; 0: as many CPUs as this process really gets")
                    .range(0, 1024);
                args.option("--width", options->width,
                            "lay out for so many characters; 0: the terminal's, and one below the other without one")
                    .range(0, 10000);
                args.flag("--json", options->json, "print JSON for programs");
                args.flag("-q,--quiet", options->quiet, "no figures on stderr");
                declare_sampling_options(args, options->sampling);
                options->database.declare(args);
                args.example("  shenbi ask -m gemma3:270m,deepseek/deepseek-chat \"Why is the sky blue?\"");
              },
          .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
