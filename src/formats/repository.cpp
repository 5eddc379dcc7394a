#include "formats/repository.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/json.h"
#include "formats/lower_case.h"
#include "formats/text.h"
#include "net/http.h"
#include "net/sha256.h"

namespace shenbi::formats {
namespace {

// `<https://host/path?cursor=x>; rel="next"` -> the address
std::string next_page(const net::Response& response) {
  const auto link = response.headers.find("link");
  if (link == response.headers.end() || link->second.find("rel=\"next\"") == std::string::npos) return "";
  const size_t begin = link->second.find('<'), end = link->second.find('>');
  return begin < end && end != std::string::npos ? link->second.substr(begin + 1, end - begin - 1) : "";
}

// "https://host/a/My%20Model.gguf?download=true" -> "My Model.gguf"
std::string file_name_of(const std::string& url) {
  const std::string path = net::decode_path(url.substr(0, url.find_first_of("?#")));
  const std::string name = path.substr(path.rfind('/') + 1);
  if (!name.ends_with(".gguf") && !name.ends_with(".safetensors")) {
    throw Error(Code::kInvalidArgument, fmt::format("'{}': the address must end in a .gguf or .safetensors file", url));
  }
  return name;
}

}  // namespace

RepositoryReference RepositoryReference::parse(const std::string& text, const std::string& default_revision) {
  RepositoryReference ref{.repository = text, .file = "", .revision = default_revision};
  if (const size_t at = ref.repository.rfind('@'); at != std::string::npos) {
    ref.revision = ref.repository.substr(at + 1);
    ref.repository.resize(at);
  }
  const size_t first = ref.repository.find('/');
  const size_t second = first == std::string::npos ? std::string::npos : ref.repository.find('/', first + 1);
  if (second != std::string::npos) {
    ref.file = ref.repository.substr(second + 1);
    ref.repository.resize(second);
  }
  if (first == std::string::npos || first == 0 || first + 1 == ref.repository.size() || ref.revision.empty()) {
    throw Error(Code::kInvalidArgument, fmt::format("'{}': expected ORG/REPO[/FILE][@REVISION]", text));
  }
  return ref;
}

std::string endpoint_from(const char* variable, const std::string& standard) {
  const char* value = std::getenv(variable);
  std::string endpoint = value && *value ? value : standard;
  while (endpoint.ends_with('/')) endpoint.pop_back();
  return endpoint;
}

Json get_listing(const std::string& url, const std::vector<std::string>& headers, const std::string& what,
                 const PullContext& context, std::string* next) {
  const net::Response response = net::get(url, {.headers = headers, .cancelled = context.options.cancelled});
  check_listing(response.status, what);
  if (next) *next = next_page(response);
  try {
    return parse_json(response.body, url);
  } catch (const Error& error) {  // no file of the user's is corrupt
    throw Error(Code::kUpstream, error.what());
  }
}

std::string text_field(const Json& object, std::string_view key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

uint64_t size_field(const Json& object, std::string_view key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

const Json& list_field(const Json& object, std::string_view key, const std::string& what) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (found == object.end() || !found->is_array()) {
    throw Error(Code::kUpstream, fmt::format("{}: the server's answer has no list '{}'", what, key));
  }
  return *found;
}

void check_listing(int status, const std::string& what) {
  if (status == 200) return;
  if (status == 404) throw Error(Code::kNotFound, fmt::format("{}: no such repository or revision", what));
  if (status == 401 || status == 403) {
    throw Error(Code::kUnauthorized,
                fmt::format("{}: the repository needs an access token or an accepted licence", what));
  }
  throw Error(net::error_code(status), fmt::format("{}: the listing answered with HTTP status {}{}", what, status,
                                                   status == 429 ? ", the server asks for a pause" : ""));
}

Collected download_repository(std::vector<RemoteFile> listing, const RepositoryReference& ref,
                              const PullContext& context) {
  std::vector<RemoteFile> chosen = choose_files(listing, ref.file);
  for (RemoteFile& file : chosen) {
    file.sha256 = lower_case(file.sha256);
    if (!net::is_sha256_hex(file.sha256)) file.sha256.clear();
    // All of them before the first byte: every part of the path, for it becomes part of an address.
    for (size_t at = 0; at <= file.name.size();) {
      const size_t slash = std::min(file.name.find('/', at), file.name.size());
      check_file_name(std::string_view(file.name).substr(at, slash - at));
      at = slash + 1;
    }
    file.name = file.name.substr(file.name.rfind('/') + 1);
  }
  Collected collected;
  for (const RemoteFile& file : chosen) collected.files.push_back(context.download(file));
  return collected;
}

std::string plain_name(const std::string& text) {
  std::string name;
  for (const char c : lower_case(text)) {
    const bool fine = std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
    if (fine || !name.ends_with('-')) name += fine ? c : '-';
  }
  name = name.substr(std::min(name.find_first_not_of(".-"), name.size()), 100);
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "model" : name;
}

Collected download_url(const std::string& url, const PullContext& context) {
  const std::string name = file_name_of(url);
  if (Shard::of(name)) {
    throw Error(Code::kUnsupported,
                fmt::format("{}: this is one part of a model; an address names one file only", url));
  }
  return {.files = {context.download({.name = name, .url = url, .sha256 = "", .headers = {}})}, .licence = ""};
}

std::string url_default_name(const std::string& url) {
  const std::string name = file_name_of(url);
  return plain_name(name.substr(0, name.rfind('.'))) + ":latest";
}

std::string repository_default_name(const std::string& reference) {
  const RepositoryReference ref = RepositoryReference::parse(reference, "main");
  std::string name = ref.repository.substr(ref.repository.find('/') + 1), tag = "latest";
  std::string file = ref.file.substr(ref.file.rfind('/') + 1);
  if (file.ends_with(".gguf")) {
    // The part after the last '-' or '.' of a GGUF's name is its quantisation.
    file.resize(file.size() - 5);
    if (const auto shard = Shard::of(ref.file)) file = shard->base.substr(shard->base.rfind('/') + 1);
    tag = file.substr(file.find_last_of("-.") + 1);
  }
  return fmt::format("{}:{}", plain_name(name), plain_name(tag));
}

}  // namespace shenbi::formats
