// shenbi budgets: how much may be spent by whom. Works on the database: with a file the server must not be running, and
// a running one has /page/budgets and the page's room Usage; with PostgreSQL all servers that share it know at once.

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <ctime>
#include <memory>

#include "base/error.h"
#include "base/folders.h"
#include "cli/command.h"
#include "cli/database_option.h"
#include "ledger/budgets.h"
#include "server/keys.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  std::string verb, name, key, team, period = "month", from;
  double usd = 0, tokens = 0;
  std::vector<uint32_t> alerts;
  bool unpriced = false;
  DatabaseOption database;
};

constexpr double kMostAmount = 1e18;  // below 2^63 nano-dollars or tokens

ledger::Budget wanted(const Options& options) {
  if ((options.usd > 0) == (options.tokens > 0))
    throw Error(Code::kInvalidArgument, "budgets set: how much? --usd or --tokens, one of them");
  if (!options.key.empty() && !options.team.empty())
    throw Error(Code::kInvalidArgument, "budgets set: --key or --team, not both");
  ledger::Budget budget{.name = options.name};
  budget.whose = !options.key.empty()    ? ledger::Whose::kKey
                 : !options.team.empty() ? ledger::Whose::kTeam
                                         : ledger::Whose::kEverybody;
  budget.subject = options.key + options.team;
  budget.unit = options.usd > 0 ? ledger::Unit::kUsd : ledger::Unit::kTokens;
  const double limit = options.usd > 0 ? options.usd * 1e9 : options.tokens;
  if (limit > kMostAmount) throw Error(Code::kInvalidArgument, "budgets set: that is more than can be counted");
  budget.limit = std::llround(limit);
  budget.period = ledger::period_of(options.period);
  if (!options.alerts.empty()) budget.alerts = options.alerts;
  budget.unpriced = options.unpriced;
  budget.from = options.from;
  if (budget.period == ledger::Period::kTotal && budget.from.empty()) budget.from = ledger::day_of(std::time(nullptr));
  return budget;
}

int list(ledger::Budgets& budgets) {
  for (const ledger::BudgetState& state : budgets.states()) {
    const ledger::Budget& budget = state.budget;
    const std::string whose = budget.whose == ledger::Whose::kEverybody
                                  ? "everybody"
                                  : fmt::format("{} {}", ledger::whose_name(budget.whose), budget.subject);
    std::string line = fmt::format(
        "{:<16} {:<22} {} of {} {}  {}", budget.name, whose, ledger::amount_text(budget.unit, state.spent),
        ledger::amount_text(budget.unit, budget.limit),
        budget.period == ledger::Period::kTotal ? "since " + budget.from
                                                : fmt::format("this {}", ledger::period_name(budget.period)),
        state.resets > 0 ? "until " + ledger::time_text(state.resets) : "");
    while (line.ends_with(' ')) line.pop_back();
    std::printf("%s\n", line.c_str());
    if (state.unpriced > 0)
      std::printf("%-16s %llu calls without a known price are not in it\n", "",
                  static_cast<unsigned long long>(state.unpriced));
  }
  return 0;
}

int execute(const Options& options) {
  store::Database database(options.database.place());
  const server::Keys keys(database, {});
  ledger::Ledger ledger(database);
  ledger::Budgets budgets(database, ledger, {.team_of = [&](const std::string& key) { return keys.team_of(key); }});
  if (options.verb == "list") return list(budgets);
  if (options.name.empty())
    throw Error(Code::kInvalidArgument, fmt::format("budgets {}: which? see shenbi budgets --help", options.verb));
  if (options.verb == "set") {
    budgets.put(wanted(options));
    return list(budgets);
  }
  if (!budgets.remove(options.name))
    throw Error(Code::kNotFound, fmt::format("no budget '{}'; see: shenbi budgets list", options.name));
  return 0;
}

}  // namespace

Command budgets() {
  auto options = std::make_shared<Options>();
  return {
      .name = "budgets",
      .summary = "Say how much money or how many tokens keys, teams or everybody may spend",
      .group = "Use a model",
      .declare =
          [options](Arguments& args) {
            args.positional("VERB", options->verb, "list, set or remove").required().choices({"list", "set", "remove"});
            args.positional("NAME", options->name, "set, remove: what the budget is called");
            args.option("--usd", options->usd, "set: so many US dollars");
            args.option("--tokens", options->tokens, "set: so many tokens, of prompts and answers together");
            args.option("--per", options->period, "set: in which time; days and months are those of UTC")
                .choices({"day", "month", "total"});
            args.option("--key", options->key, "set: of the key with this id; without --key and --team: everybody's");
            args.option("--team", options->team, "set: of the keys of this team");
            args.option("--alert", options->alerts,
                        "set: per cent at which it is told; may be repeated; default 80 and 100");
            args.option("--from", options->from,
                        "set, with --per total: the day from which on it counts; default today");
            args.flag("--unpriced", options->unpriced,
                      "set: calls without a known price go through and are not counted");
            options->database.declare(args);
            args.example(
                "  shenbi budgets set ci --team ci --usd 20 --per month\n"
                "  shenbi budgets set night --tokens 1e6 --per day --alert 90");
          },
      .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
