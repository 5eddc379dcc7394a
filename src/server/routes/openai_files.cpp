// OpenAI's /v1/files: upload, list, describe, fetch, delete. Purposes are those that mean something here: "batch" (the
// input of a batch) and "user_data" (kept for its owner); "batch_output" is what batches leave,
// "media_output" what a finished film is.

#include <fmt/format.h>

#include <charconv>
#include <map>

#include "base/error.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "net/multipart.h"
#include "server/file_body.h"
#include "server/list_query.h"
#include "server/page_json.h"
#include "server/state.h"

namespace shenbi::server::routes {
namespace {

using chat::OrderedJson;

constexpr int64_t kMostListed = 10'000;  // as OpenAI's

OrderedJson file_json(const StoredFile& file) {
  return {{"id", file.id},
          {"object", "file"},
          {"bytes", file.bytes},
          {"created_at", static_cast<int64_t>(file.created)},
          {"expires_at", file.expires > 0 ? OrderedJson(static_cast<int64_t>(file.expires)) : OrderedJson()},
          {"filename", file.name},
          {"purpose", file.purpose},
          {"status", "processed"}};
}

// The parts of an upload by name; each may come once and must be asked for.
class Upload {
 public:
  explicit Upload(const net::ServerRequest& request) {
    for (auto& part : net::parse_multipart(request.header("content-type"), request.body)) {
      const std::string name = part.name;
      if (!parts_.emplace(name, std::move(part)).second) refuse(name, "is given twice");
    }
  }

  std::optional<net::MultipartPart> take(const std::string& name) {
    const auto found = parts_.find(name);
    if (found == parts_.end()) return std::nullopt;
    net::MultipartPart part = std::move(found->second);
    parts_.erase(found);
    return part;
  }

  std::string needed_text(const std::string& name) {
    const auto part = take(name);
    if (!part) refuse(name, "is required");
    return sanitize_utf8(part->content);
  }

  void end() const {
    if (!parts_.empty()) refuse(parts_.begin()->first, "unknown field");
  }

  [[noreturn]] static void refuse(std::string_view name, std::string_view why) {
    throw Error(Code::kInvalidArgument, fmt::format("{}: {}", sanitize_utf8(name.substr(0, 80)), why));
  }

 private:
  std::map<std::string, net::MultipartPart> parts_;
};

// expires_after[anchor] and expires_after[seconds], as the SDKs write an object into a form. 0: never.
int64_t lifetime_of(Upload& upload) {
  const auto anchor = upload.take("expires_after[anchor]"), seconds = upload.take("expires_after[seconds]");
  if (!anchor && !seconds) return 0;
  if (!anchor || anchor->content != "created_at") Upload::refuse("expires_after[anchor]", "must be created_at");
  int64_t value = 0;
  const std::string_view text = seconds ? seconds->content : "";
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
  if (!whole || value < static_cast<int64_t>(limits::kMinFileSeconds) ||
      value > static_cast<int64_t>(limits::kMaxFileSeconds)) {
    Upload::refuse("expires_after[seconds]", fmt::format("must be a whole number from {} to {}",
                                                         limits::kMinFileSeconds, limits::kMaxFileSeconds));
  }
  return value;
}

// What stands behind the last slash of any system; no control characters; never a path of ours in any case.
std::string shown_name(const std::string& given) {
  const std::string name = bounded_title(given.substr(given.find_last_of("/\\") + 1));
  if (name.empty() || name.size() > limits::kMaxFileNameBytes) {
    Upload::refuse("file", fmt::format("needs a file name of 1 to {} bytes", limits::kMaxFileNameBytes));
  }
  return name;
}

void upload(RouteCall& call) {
  Upload upload(call.request);
  const std::string purpose = upload.needed_text("purpose");
  const auto file = upload.take("file");
  const int64_t lifetime = lifetime_of(upload);
  upload.end();
  if (purpose != "batch" && purpose != "user_data") {
    Upload::refuse("purpose", fmt::format("'{}' means nothing here; there are batch and user_data", purpose));
  }
  if (!file) Upload::refuse("file", "is required");
  if (!file->filename) Upload::refuse("file", "needs a file name");
  if (file->content.empty()) Upload::refuse("file", "is empty");
  const StoredFile wanted{.owner = call.caller.id, .purpose = purpose, .name = shown_name(*file->filename)};
  send_json(call, 200, file_json(call.state.files->add(wanted, file->content, lifetime)));
}

void list_files(RouteCall& call) {
  const ListQuery query = ListQuery::of(call.request, kMostListed, kMostListed, {"purpose", "order"});
  const std::string order = call.request.parameter("order").value_or("desc");
  if (order != "asc" && order != "desc") Upload::refuse("order", "must be asc or desc");
  const auto page = call.state.files->list(call.caller.id, call.request.parameter("purpose").value_or(""), query.after,
                                           query.limit, order == "desc");
  OrderedJson data = OrderedJson::array();
  for (const StoredFile& file : page.files) data.push_back(file_json(file));
  send_json(call, 200, list_json(std::move(data), page.more));
}

void show_file(RouteCall& call) {
  send_json(call, 200, file_json(call.state.files->get(call.caller.id, call.path["id"])));
}

void remove_file(RouteCall& call) {
  call.state.files->remove(call.caller.id, call.path["id"]);
  send_json(call, 200, {{"id", call.path["id"]}, {"object", "file"}, {"deleted", true}});
}

void file_content(RouteCall& call) {
  send_file(call, call.state.files->get(call.caller.id, call.path["id"]), "application/octet-stream");
}

}  // namespace

RouteList openai_files() {
  const auto with = [](std::string_view method, std::string_view pattern, RouteHandler handler) {
    return Route::with_key(Face::kOpenAi, method, pattern, Scope::kInfer, std::move(handler));
  };
  return {with("POST", "/v1/files", upload), with("GET", "/v1/files", list_files),
          with("GET", "/v1/files/{id}", show_file), with("DELETE", "/v1/files/{id}", remove_file),
          with("GET", "/v1/files/{id}/content", file_content)};
}

}  // namespace shenbi::server::routes
