// hf:ORG/REPO[/FILE][@REVISION] - a Hugging Face repository, or a mirror that speaks the same protocol.
//
//   GET {endpoint}/api/models/{repo}/tree/{revision}?recursive=true   ->
//   [{"type":"file","path","size","lfs":{"oid","size"}}] GET {endpoint}/{repo}/resolve/{revision}/{path} -> the bytes,
//   often behind a redirect
//
// HF_ENDPOINT names a mirror; HF_TOKEN goes along as a bearer token, to that endpoint only.

#include <fmt/format.h>

#include <cstdlib>

#include "base/error.h"
#include "base/json.h"
#include "formats/pull.h"
#include "formats/repository.h"
#include "net/http.h"

namespace shenbi::formats::sources {
namespace {

std::vector<std::string> authorization() {
  const char* token = std::getenv("HF_TOKEN");
  return token && *token ? std::vector<std::string>{fmt::format("Authorization: Bearer {}", token)}
                         : std::vector<std::string>();
}

std::vector<RemoteFile> list_files(const std::string& endpoint, const RepositoryReference& ref) {
  const std::string url = fmt::format("{}/api/models/{}/tree/{}?recursive=true", endpoint,
                                      net::encode_path(ref.repository), net::encode_path(ref.revision));
  const net::Response response = net::get(url, {.headers = authorization()});
  check_listing(response.status, "hf:" + ref.repository);
  const Json entries = parse_json(response.body, url);
  std::vector<RemoteFile> files;
  for (const Json& entry : entries) {
    if (!entry.is_object() || entry.value("type", "") != "file") continue;
    const std::string path = entry.value("path", "");
    RemoteFile file{.name = path,
                    .url = fmt::format("{}/{}/resolve/{}/{}", endpoint, net::encode_path(ref.repository),
                                       net::encode_path(ref.revision), net::encode_path(path)),
                    .bytes = entry.value("size", uint64_t{0}),
                    .sha256 = "",
                    .headers = authorization()};
    if (const auto lfs = entry.find("lfs"); lfs != entry.end() && lfs->is_object()) file.sha256 = lfs->value("oid", "");
    files.push_back(std::move(file));
  }
  return files;
}

Collected collect(const std::string& reference, const PullContext& context) {
  const RepositoryReference ref = RepositoryReference::parse(reference, "main");
  return download_repository(list_files(endpoint_from("HF_ENDPOINT", "https://huggingface.co"), ref), ref, context);
}

}  // namespace

Source hf() {
  return {.scheme = "hf",
          .form = "hf:ORG/REPO[/FILE][@REVISION]",
          .help = "Hugging Face, or the mirror that HF_ENDPOINT names",
          .collect = collect,
          .default_name = repository_default_name};
}

}  // namespace shenbi::formats::sources
