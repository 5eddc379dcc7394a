// shenbi routes: names for models, several behind one. Works on the database, so the server must not be running; a
// running one has /page/routes.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/folders.h"
#include "cli/command.h"
#include "cli/database_option.h"
#include "gateway/routes.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  std::string verb;
  gateway::NamedRoute route;
  DatabaseOption database;
};

int list(const gateway::Routes& routes) {
  for (const gateway::NamedRoute& route : routes.list())
    fmt::print("{:<20} {:<9} {}\n", route.name, route.order, fmt::join(route.targets, " "));
  return 0;
}

int execute(const Options& options) {
  store::Database database(options.database.place());
  gateway::Routes routes(database);
  if (options.verb == "list") return list(routes);
  const gateway::NamedRoute& route = options.route;
  if (route.name.empty())
    throw Error(Code::kInvalidArgument, fmt::format("routes {}: which? see shenbi routes --help", options.verb));
  if (options.verb == "add") {
    routes.put(route);
    return 0;
  }
  if (!routes.remove(route.name))
    throw Error(Code::kNotFound, fmt::format("no route '{}'; see: shenbi routes list", route.name));
  return 0;
}

}  // namespace

Command routes() {
  auto options = std::make_shared<Options>();
  return {
      .name = "routes",
      .summary = "Names for models: an alias of one, or several that stand for each other",
      .group = "Use a model",
      .declare =
          [options](Arguments& args) {
            args.positional("VERB", options->verb, "add, list or remove").required().choices({"add", "list", "remove"});
            args.positional("NAME", options->route.name, "what requests call it");
            args.option("--to", options->route.targets,
                        "add: a model (UPSTREAM/MODEL, a local one, or a rule like auto:vision); may be repeated: "
                        "when one fails the next is asked");
            args.option("--order", options->route.order,
                        "add: listed (default), turns, fast (by the measured first token) or cheapest")
                .choices({"listed", "turns", "fast", "cheapest"});
            args.option("--hedge", options->route.hedge_ms,
                        "add: ms of silence after which a second model is asked beside the first; who speaks first "
                        "answers, both are paid; default: never");
            options->database.declare(args);
            args.example(
                "  shenbi routes add gpt-4o --to openai/gpt-4.1\n"
                "  shenbi routes add smart --to deepseek/deepseek-chat --to gemma3:270m --order cheapest");
          },
      .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
