// shenbi upstreams: whose models, besides the local ones, the server answers for. Works on the database, so the server
// must not be running; a running one has /page/upstreams.

#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/folders.h"
#include "cli/command.h"
#include "cli/database_option.h"
#include "gateway/house.h"
#include "gateway/upstreams.h"

namespace shenbi::cli::commands {
namespace {

struct Options {
  std::string verb;
  gateway::Upstream upstream;
  std::vector<std::string> settings;
  bool key_from_input = false, off = false;
  DatabaseOption database;
};

int houses() {
  for (const auto& [stem, make] : gateway::house_registry()) {
    const gateway::House house = make();
    std::printf("%-12s %-24s %s\n", std::string(stem).c_str(), house.key_variable.c_str(), house.title.c_str());
    for (const gateway::AccountField& field : house.fields) {
      const bool part = field.kind == gateway::AccountField::Kind::kKeyPart;
      std::printf("%-12s   %s%s: %s\n", "", part ? "of the key, " : "--setting ", field.name.c_str(),
                  (field.title + (field.required ? "" : ", if wanted")).c_str());
    }
  }
  return 0;
}

std::string line_of_input(const std::string& what) {
  std::string line;
  if (!std::getline(std::cin, line) || line.empty())
    throw Error(Code::kInvalidArgument, fmt::format("--key-from-input: no {} came in", what));
  return line;
}

// In one line, or the parts of which the house's keys are made in a line each.
std::string key_of_input(const gateway::House& house) {
  const size_t parts = gateway::key_parts(house);
  std::string key = line_of_input(parts > 1 ? gateway::key_form(house) : "key");
  if (key.find(':') != std::string::npos) return key;
  for (size_t i = 1; i < parts; ++i) key += ":" + line_of_input(gateway::key_form(house));
  return key;
}

int list(const gateway::Upstreams& upstreams) {
  for (const gateway::Upstream& u : upstreams.list()) {
    std::string keys;
    for (const std::string& key : u.keys) keys += (keys.empty() ? "" : ",") + gateway::masked(key);
    const std::string url = u.base_url.empty() ? gateway::find_house(u.house).base_url : u.base_url;
    std::printf("%-16s %-12s %-4s %-28s %s\n", u.name.c_str(), u.house.c_str(), u.enabled ? "on" : "off", keys.c_str(),
                url.c_str());
  }
  return 0;
}

int add(gateway::Upstreams& upstreams, Options& options) {
  gateway::Upstream& u = options.upstream;
  if (u.house.empty()) u.house = u.name;
  for (const std::string& setting : options.settings) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos)
      throw Error(Code::kInvalidArgument, fmt::format("--setting: '{}' is not NAME=VALUE", setting));
    u.settings[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  const gateway::House house = gateway::find_house(u.house);
  if (options.key_from_input) u.keys.push_back(key_of_input(house));
  if (u.keys.empty() && !house.key_variable.empty()) u.keys.push_back("env:" + house.key_variable);
  for (std::string& key : u.keys) {
    if (key.starts_with("env:") || options.key_from_input) continue;
    throw Error(
        Code::kInvalidArgument,
        "--key: name a variable as env:NAME, or use --key-from-input: what stands in a command is seen by others");
  }
  u.enabled = !options.off;
  u.private_network = !u.base_url.empty();  // an address that the operator wrote himself may be anywhere
  upstreams.put(u);
  std::fprintf(stderr, "%s: its models are called %s/MODEL\n", u.name.c_str(), u.name.c_str());
  return 0;
}

int execute(Options& options) {
  if (options.verb == "houses") return houses();
  store::Database database(options.database.place());
  gateway::Upstreams upstreams(database);
  if (options.verb == "list") return list(upstreams);
  if (options.upstream.name.empty())
    throw Error(Code::kInvalidArgument, fmt::format("upstreams {}: which? see shenbi upstreams --help", options.verb));
  if (options.verb == "add") return add(upstreams, options);
  if (!upstreams.remove(options.upstream.name))
    throw Error(Code::kNotFound, fmt::format("no upstream '{}'; see: shenbi upstreams list", options.upstream.name));
  return 0;
}

}  // namespace

Command upstreams() {
  auto options = std::make_shared<Options>();
  return {
      .name = "upstreams",
      .summary = "Other houses' models behind the same server: add, list and remove accounts",
      .group = "Use a model",
      .declare =
          [options](Arguments& args) {
            gateway::Upstream& u = options->upstream;
            args.positional("VERB", options->verb, "add, list, remove, or houses: those that are known")
                .required()
                .choices({"add", "list", "remove", "houses"});
            args.positional("NAME", u.name, "what it is called here: its models become NAME/MODEL");
            args.option("--house", u.house, "add: whose API it is; default: the one called NAME");
            args.option("--base-url", u.base_url, "add: instead of the house's own address");
            args.option("--key", u.keys,
                        "add: env:VARIABLE; may be repeated, keys take turns; default: the house's own variable");
            args.flag("--key-from-input", options->key_from_input,
                      "add: reads a key from the input and stores it; its parts in a line each where it has several");
            args.option("--setting", options->settings,
                        "add: NAME=VALUE that the house needs (see houses); may be repeated");
            args.option("--model", u.models, "add: a model to offer; may be repeated; default: what the house lists");
            args.option("--priority", u.priority, "add: of several that offer a model the lowest is asked first");
            args.option("--weight", u.weight, "add: share among those of equal priority");
            args.option("--first-timeout", u.first_timeout_s,
                        "add: s until a stream says something; then the next is asked; default: 300");
            args.option("--whole-timeout", u.whole_timeout_s,
                        "add: s until an answer that comes in one piece is there; default: 600");
            args.option("--idle-timeout", u.idle_timeout_s,
                        "add: s between two pieces of a stream that has begun; default: 120");
            args.option(
                    "--personal-data", u.personal_data,
                    "add: in what is asked: send it, mask it and put it back into the answer, or block the request; "
                    "default: as the server says")
                .choices({"send", "mask", "block"});
            args.option("--private-word", u.private_words, "add: a word that is masked as well; may be repeated");
            args.option("--private-pattern", u.private_patterns,
                        "add: a regular expression (RE2) for the same; may be repeated");
            args.flag("--off", options->off, "add: keep it, but do not ask it");
            options->database.declare(args);
            args.example(
                "  shenbi upstreams add deepseek                    # its key: $DEEPSEEK_API_KEY\n"
                "  shenbi upstreams add office --house compatible --base-url http://10.0.0.5:8000/v1");
          },
      .execute = [options] { return execute(*options); }};
}

}  // namespace shenbi::cli::commands
