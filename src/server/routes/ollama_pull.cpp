// Ollama's POST /api/pull: a known short name, or a model of the Ollama registry; progress as lines of JSON. Other
// sources are for the command line: no request makes this server fetch from an address of its choosing.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "base/folders.h"
#include "chat/fields.h"
#include "formats/pull.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::Fields;
using chat::OrderedJson;

std::string line(const OrderedJson& json) { return json.dump() + '\n'; }

// What to pull: a name of ours as it is, else the registry's. A host in the name would be an address.
std::string source_of(const std::string& name) {
  const auto& known = formats::known_models();
  if (std::any_of(known.begin(), known.end(), [&](const auto& one) { return one.name == name; })) return name;
  formats::ModelName::parse(name);
  const std::string first = name.substr(0, name.find('/'));
  if (first.size() != name.size() && first.find('.') != std::string::npos) {
    throw Error(Code::kInvalidArgument,
                fmt::format("model: '{}' names a host; pull from it on the command line", name));
  }
  return "ollama:" + name;
}

void pull(RouteCall& call) {
  Fields body = Fields::of_body(call.request.body);
  const auto model = body.text("model"), old_name = body.text("name");
  const bool stream = body.boolean("stream").value_or(true);
  if (body.boolean("insecure").value_or(false))
    throw Error(Code::kInvalidArgument, "insecure: connections are always checked here");
  body.end();
  const std::string name = model ? *model : old_name.value_or("");
  const std::string source = source_of(name);

  std::atomic<bool> cancelled = false;
  if (stream) {
    call.exchange->begin(200, {{"Content-Type", "application/x-ndjson"}});
    call.exchange->write(line({{"status", "pulling manifest"}}));
  }
  formats::PullOptions options;
  options.cancelled = &cancelled;
  options.progress = [&](const formats::Progress& p) {
    const bool there =
        !stream ||
        call.exchange->write(line({{"status", "pulling " + p.file}, {"total", p.total}, {"completed", p.done}}));
    if (!there) cancelled = true;
  };
  options.notice = [&](const std::string& text) {
    if (stream) call.exchange->write(line({{"status", "notice"}, {"notice", text}}));
  };
  formats::ModelStore store(data_folder());
  try {
    formats::pull(source, source == name ? "" : name, store, options);
  } catch (const Error& error) {
    if (!stream) throw;
    call.exchange->write(line({{"error", error.what()}}));
    return call.exchange->end();
  }
  if (!stream) return send_json(call, 200, {{"status", "success"}});
  call.exchange->write(line({{"status", "success"}}));
  call.exchange->end();
}

}  // namespace

RouteList ollama_pull() { return {Route::with_key(Face::kOllama, "POST", "/api/pull", Scope::kManage, pull)}; }

}  // namespace shenbi::server::routes
