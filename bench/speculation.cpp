// speculation_bench MODEL [--rounds 5] [--tokens 256] [--streams 1] [--temperature 0] [--top-k 0] [--threads 0] [--case
// WORD]
//                   [--costs] [--same] [--whole-head]: what guessing tokens gains where an answer repeats what was
//                   said, and
// what it costs where it does not.
//
// Each answer is written twice in turn, without and with guesses, in engines of their own that live as long as the
// program, as a server's do. Timed is everything behind the pass that reads the prompts. A ratio is tokens a second
// with guesses divided by those without in the same round; printed is the median of the rounds with the lowest and the
// highest. The two answers must be the same; anything else ends the program.
//
// --same guesses nowhere: how far two measurements of the same thing are apart. --costs prints what a pass of so many
// rows of one sequence takes instead.

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/error.h"
#include "engine/engine.h"
#include "engine/prompt.h"

namespace {

using namespace shenbi;
using Clock = std::chrono::steady_clock;

struct Settings {
  int rounds = 5;
  uint32_t tokens = 256, streams = 1;
  float temperature = 0;
  uint32_t top_k = 0;
  std::string only;  // cases whose name holds this
  bool costs = false, whole_head = false, same = false;
  int threads = 0;
};

struct Case {
  std::string name, prompt;
  bool chat = true;
};

const std::string kCode = R"(class Inventory:
    def __init__(self):
        self.items = {}

    def add(self, name, count, price):
        if name in self.items:
            self.items[name]["count"] += count
        else:
            self.items[name] = {"count": count, "price": price}

    def remove(self, name, count):
        if name not in self.items:
            raise KeyError(name)
        self.items[name]["count"] -= count
        if self.items[name]["count"] <= 0:
            del self.items[name]

    def total(self):
        return sum(item["count"] * item["price"] for item in self.items.values())
)";

const std::string kText =
    "The lighthouse at the end of the pier was built in 1874 by a company of masons from the north. It is thirty-one "
    "metres high, and its lamp can be seen from a ship at a distance of eighteen nautical miles. Until 1968 a keeper "
    "lived in the tower with his family; since then the lamp has been switched on and off by a clock. Every summer "
    "some "
    "four thousand visitors climb the hundred and fifty-two steps to the gallery, from where one sees the whole bay, "
    "the "
    "fishing harbour and, on clear days, the mountains of the opposite coast.";

const std::string kOrders =
    "Order 1041: Anna Lindqvist bought 3 desk lamps at 49.90 euros on 2026-03-02, to be sent to Uppsala.\n"
    "Order 1042: Pedro Alvarez bought 1 office chair at 219.00 euros on 2026-03-02, to be sent to Valencia.\n"
    "Order 1043: Mei Tanaka bought 2 book shelves at 89.50 euros on 2026-03-03, to be sent to Osaka.\n"
    "Order 1044: Oluwaseun Adeyemi bought 5 monitor stands at 34.20 euros on 2026-03-04, to be sent to Lagos.\n";

std::vector<Case> all_cases() {
  return {
      {"code, one name changed",
       "Rewrite this code. Change only the name of the class to Stock. Answer with the whole "
       "code and nothing else.\n\n```python\n" +
           kCode + "```"},
      {"JSON from a text",
       "Extract every order as JSON with the fields order, name, count, product, price, date, city. "
       "Answer with a JSON array and nothing else.\n\n" +
           kOrders},
      {"a text copied", "Repeat this text word for word:\n\n" + kText},
      {"a text and again", kText + "\n\n" + kText.substr(0, 60), false},
      {"prose", "Write a story about a gardener who finds a letter."},
      {"prose, Chinese", "写一篇关于秋天的短文。"},
      {"an explanation", "Explain how a refrigerator works."},
      {"new code", "Write a C program that reads numbers and prints their median."},
  };
}

struct Timed {
  std::vector<std::vector<int32_t>> ids;
  double seconds = 0;  // behind the pass that gave the last sequence its first token
  size_t tokens = 0;   // in that time
  uint64_t drafted = 0, accepted = 0, passes = 0;
  double rate() const { return static_cast<double>(tokens) / seconds; }
};

class Writer {
 public:
  Writer(std::shared_ptr<const engine::Model> model, ThreadTeam& team, engine::Speculation speculation,
         const Settings& settings)
      : settings_(settings), engine_(model, team, {.max_sequences = settings.streams, .speculation = speculation}) {}

  void begin(const std::vector<int32_t>& prompt, uint64_t seed) {
    timed_ = {};
    timed_.ids.resize(settings_.streams);
    begun_ = 0;
    for (uint32_t i = 0; i < settings_.streams; ++i) {
      engine::Request request;
      request.prompt = prompt;
      request.max_tokens = settings_.tokens;
      request.sampling.temperature = settings_.temperature;
      request.sampling.top_k = settings_.top_k;
      request.sampling.seed = seed + i;
      request.on_token = [this, i](const engine::TokenEvent& event) {
        begun_ += timed_.ids[i].empty();
        if (event.id >= 0) timed_.ids[i].push_back(event.id);
      };
      engine_.submit(std::move(request));
    }
    while (begun_ < settings_.streams) engine_.step();
    first_ = written();
    before_ = engine_.stats();
  }

  bool step() {
    const auto start = Clock::now();
    const bool more = engine_.step();
    timed_.seconds += std::chrono::duration<double>(Clock::now() - start).count();
    return more;
  }

  Timed end() {
    const engine::EngineStats after = engine_.stats();
    timed_.tokens = written() - first_;
    timed_.drafted = after.drafted_tokens - before_.drafted_tokens;
    timed_.accepted = after.accepted_tokens - before_.accepted_tokens;
    timed_.passes = after.steps - before_.steps;
    return std::move(timed_);
  }

 private:
  size_t written() const {
    size_t tokens = 0;
    for (const auto& ids : timed_.ids) tokens += ids.size();
    return tokens;
  }

  const Settings& settings_;
  engine::Engine engine_;
  Timed timed_;
  size_t begun_ = 0, first_ = 0;
  engine::EngineStats before_;
};

template <class T>
T median(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void run_case(const Case& c, const engine::Model& model, Writer& plain, Writer& guessing, const Settings& settings) {
  const std::vector<int32_t> prompt =
      c.chat && model.chat_template
          ? engine::chat_prompt(model, {{"messages", {{{"role", "user"}, {"content", c.prompt}}}}}).ids
          : model.tokenizer->encode(c.prompt);
  std::vector<double> ratios, rates, plain_rates;
  uint64_t drafted = 0, accepted = 0, passes = 0, tokens = 0;
  for (int round = 0; round < settings.rounds; ++round) {
    const uint64_t seed = 1 + static_cast<uint64_t>(round) * 100;
    plain.begin(prompt, seed);
    guessing.begin(prompt, seed);
    for (bool more[2] = {true, true}; more[0] || more[1];) {
      more[0] = more[0] && plain.step();
      more[1] = more[1] && guessing.step();
    }
    const Timed a = plain.end(), b = guessing.end();
    if (b.tokens == 0) continue;  // the answer was one token
    if (a.ids != b.ids) throw Error(Code::kInternal, c.name + ": the answers differ");
    ratios.push_back(b.rate() / a.rate());
    rates.push_back(b.rate());
    plain_rates.push_back(a.rate());
    drafted += b.drafted, accepted += b.accepted, passes += b.passes;
    tokens += b.tokens;
  }
  if (ratios.empty()) return;
  const auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
  fmt::print("{:<24}{:>6}{:>9.1f}{:>9.1f}{:>7.2f} ({:.2f} to {:.2f}){:>9}{:>9}{:>8.2f}\n", c.name,
             tokens / static_cast<uint64_t>(settings.rounds), median(plain_rates), median(rates), median(ratios), *low,
             *high, drafted, accepted,
             static_cast<double>(tokens) / static_cast<double>(std::max<uint64_t>(passes, 1)));
  std::fflush(stdout);
}

// Passes of 1 to 16 rows of one sequence that all want logits, in turn.
void print_costs(const engine::Model& model, ThreadTeam& team, const Settings& settings) {
  const auto& decoder = *model.decoder;
  constexpr uint32_t kContext = 512;
  const std::vector<size_t> rows = {1, 2, 3, 4, 5, 6, 8, 12, 16};
  std::vector<uint32_t> pages(kContext / models::kPagePositions + 1);
  std::iota(pages.begin(), pages.end(), 0u);
  std::vector<std::byte> memory(pages.size() * decoder.kv_page_bytes() + 64);
  void* base = memory.data();
  size_t space = memory.size();
  std::align(64, space - 64, base, space);
  const models::KvPool pool{static_cast<std::byte*>(base), decoder.kv_page_bytes(),
                            static_cast<uint32_t>(pages.size())};
  std::vector<int32_t> ids = model.tokenizer->encode(kText + kCode + kText + kOrders + kText);
  ids.resize(kContext, 100);
  std::vector<float> logits(kContext * size_t{decoder.spec().vocab_size} / 8);
  models::Workspace workspace;
  const auto pass = [&](uint32_t start, size_t count, bool all, uint32_t best) {
    const models::SequenceSlice slice{.tokens = std::span(ids).subspan(start, count),
                                      .start = start,
                                      .pages = pages,
                                      .all_logits = all,
                                      .best_logits = best};
    const auto begun = Clock::now();
    decoder.forward({&slice, 1}, pool, workspace, team, logits.data());
    return std::chrono::duration<double>(Clock::now() - begun).count();
  };
  pass(0, kContext - 64, false, 0);
  std::vector<double> coarse;
  std::vector<std::vector<double>> times(rows.size()), coarse_times(rows.size());
  for (int round = 0; round < 20 * settings.rounds; ++round) {
    const uint32_t start = kContext - 64 + static_cast<uint32_t>(round) % 32;
    for (size_t i = 0; i < rows.size(); ++i) {
      times[i].push_back(pass(start, rows[i], true, 0));
      coarse_times[i].push_back(pass(start, rows[i], rows[i] > 1, 1));
    }
  }
  const double one = median(times[0]);
  fmt::print("rows   ms whole head   of one   ms for the best logit   of one\n");
  for (size_t i = 0; i < rows.size(); ++i)
    fmt::print("{:>4}{:>16.2f}{:>9.2f}{:>24.2f}{:>9.2f}\n", rows[i], 1e3 * median(times[i]), median(times[i]) / one,
               1e3 * median(coarse_times[i]), median(coarse_times[i]) / median(coarse_times[0]));
}

Settings parse(int argc, char** argv) {
  Settings settings;
  for (int i = 2; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--costs" || flag == "--whole-head" || flag == "--same") {
      (flag == "--costs" ? settings.costs : flag == "--same" ? settings.same : settings.whole_head) = true;
      continue;
    }
    if (++i == argc) throw Error(Code::kInvalidArgument, flag + " needs a value");
    const std::string value = argv[i];
    if (flag == "--rounds")
      settings.rounds = std::stoi(value);
    else if (flag == "--tokens")
      settings.tokens = static_cast<uint32_t>(std::stoul(value));
    else if (flag == "--streams")
      settings.streams = static_cast<uint32_t>(std::stoul(value));
    else if (flag == "--temperature")
      settings.temperature = std::stof(value);
    else if (flag == "--top-k")
      settings.top_k = static_cast<uint32_t>(std::stoul(value));
    else if (flag == "--threads")
      settings.threads = std::stoi(value);
    else if (flag == "--case")
      settings.only = value;
    else
      throw Error(Code::kInvalidArgument, flag + " is no option");
  }
  return settings;
}

int run(int argc, char** argv) {
  if (argc < 2) throw Error(Code::kInvalidArgument, "speculation_bench MODEL [options]");
  const Settings settings = parse(argc, argv);
  const ThreadBudget budget = thread_budget();
  const int threads = settings.threads > 0 ? settings.threads : budget.threads;
  ThreadTeam team(threads, threads <= budget.threads && budget.cgroup_quota == 0);
  const auto use = settings.whole_head ? models::CoarseHeadUse::kNever : models::CoarseHeadUse::kWhereItPays;
  const auto model = engine::load_model(
      engine::resolve_model(argv[1]),
      {.context_length_cap = 8192, .coarse_head = use, .cache = formats::CacheFolder::of_user()}, team);
  fmt::print("{}, {} threads\n", cpu_model_name(), threads);
  if (settings.costs) return print_costs(*model, team, settings), 0;
  Writer plain(model, team, engine::Speculation::kOff, settings);
  Writer guessing(model, team, settings.same ? engine::Speculation::kOff : engine::Speculation::kWhereItPays, settings);
  fmt::print("{:<24}{:>6}{:>9}{:>9}{:>7}{:>25}{:>9}{:>8}\n", "", "tokens", "without", "with", "ratio", "guessed",
             "right", "a pass");
  for (const Case& c : all_cases()) {
    if (c.name.find(settings.only) != std::string::npos) run_case(c, *model, plain, guessing, settings);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "speculation_bench: {}\n", error.what());
    return 1;
  }
}
