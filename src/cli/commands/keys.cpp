// shenbi keys: who may call the server. Works on the database: with a file the server must not be running, and a
// running one has /page/keys; with PostgreSQL all servers that share it know at once.

#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/folders.h"
#include "cli/command.h"
#include "cli/database_option.h"
#include "server/keys.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  std::string verb, what, team;
  std::vector<std::string> scopes, models;
  uint32_t requests_per_minute = 0;
  double tokens_per_day = 0;
  DatabaseOption database;
};

int add(server::Keys& keys, const Options& options) {
  server::Key wanted{.name = options.what};
  for (const std::string& scope : options.scopes) wanted.scopes.insert(server::scope_of(scope));
  wanted.models.insert(options.models.begin(), options.models.end());
  wanted.requests_per_minute = options.requests_per_minute;
  wanted.tokens_per_day = static_cast<uint64_t>(options.tokens_per_day);
  wanted.team = options.team;
  const auto made = keys.create(std::move(wanted));
  std::printf("%s\n", made.text.c_str());
  std::fprintf(stderr, "key %s for %s: it is shown this once\n", made.key.id.c_str(), made.key.name.c_str());
  return 0;
}

int list(const server::Keys& keys) {
  for (const server::Key& key : keys.list()) {
    std::string scopes;
    for (const server::Scope scope : key.scopes)
      scopes += (scopes.empty() ? "" : ",") + std::string(server::scope_name(scope));
    std::printf("%-10s %-8s %-20s %-12s %s\n", key.id.c_str(), key.revoked ? "revoked" : "valid",
                scopes.empty() ? "all" : scopes.c_str(), key.team.empty() ? "-" : key.team.c_str(), key.name.c_str());
  }
  return 0;
}

int execute(const Options& options) {
  store::Database database(options.database.place());
  server::Keys keys(database, {});
  if (options.verb == "list") return list(keys);
  if (options.what.empty())
    throw Error(Code::kInvalidArgument, fmt::format("keys {}: what? see shenbi keys --help", options.verb));
  if (options.verb == "add") return add(keys, options);
  if (!(options.verb == "team" ? keys.set_team(options.what, options.team) : keys.revoke(options.what)))
    throw Error(Code::kNotFound, fmt::format("no key '{}'; see: shenbi keys list", options.what));
  return 0;
}

}  // namespace

Command keys() {
  auto options = std::make_shared<Options>();
  return {.name = "keys",
          .summary = "Make, list and revoke the keys that callers of the server need",
          .group = "Use a model",
          .declare =
              [options](Arguments& args) {
                args.positional("VERB", options->verb, "add, list, team or revoke")
                    .required()
                    .choices({"add", "list", "team", "revoke"});
                args.positional("WHAT", options->what, "add: whose key it is; team, revoke: the key's id");
                args.option("--scope", options->scopes,
                            "add: what it may do: infer, read, manage, page; may be repeated; default all");
                args.option("--model", options->models, "add: which model it may ask; may be repeated; default all");
                args.option("--requests-per-minute", options->requests_per_minute, "add: 0 is no limit");
                args.option("--tokens-per-day", options->tokens_per_day,
                            "add: prompts and answers together; 0 is no limit");
                args.option("--team", options->team,
                            "add, team: the group whose budgets count for it (shenbi budgets); none without a name");
                options->database.declare(args);
                args.example("  shenbi keys add ci --scope infer --tokens-per-day 1000000");
              },
          .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
