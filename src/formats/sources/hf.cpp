// hf:ORG/REPO[/FILE][@REVISION] - a Hugging Face repository, or a mirror that speaks the same protocol.
//
//   GET {endpoint}/api/models/{repo}/tree/{revision}?recursive=true
//       -> [{"type":"file","path","size","lfs":{"oid","size"}}], a thousand at a time; a Link header leads to the rest
//   GET {endpoint}/{repo}/resolve/{revision}/{path}
//       -> the bytes, often behind a redirect to another host
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

constexpr int kMaxPages = 100;  // of 1000 files each; the largest model repositories hold some hundred files

std::vector<RemoteFile> list_files(const std::string& endpoint, const RepositoryReference& ref,
                                   const PullContext& context) {
  const std::string what = "hf:" + ref.repository;
  const std::string first = fmt::format("{}/api/models/{}/tree/{}?recursive=true", endpoint,
                                        net::encode_path(ref.repository), net::encode_path(ref.revision));
  std::vector<RemoteFile> files;
  std::string url = first, next;
  for (int page = 0; !url.empty(); ++page, url = next) {
    // The token goes where the user sends it, not where an answer says.
    const bool same_server = url.starts_with(endpoint + "/");
    if (page == kMaxPages || !same_server) {
      throw Error(Code::kUpstream, fmt::format("{}: the listing goes on at {}, which is {}", what, url,
                                               same_server ? "too long" : "another server"));
    }
    const Json entries = get_listing(url, authorization(), what, context, &next);
    if (!entries.is_array()) throw Error(Code::kUpstream, fmt::format("{}: the listing is not a list", what));
    for (const Json& entry : entries) {
      if (text_field(entry, "type") != "file") continue;
      const std::string path = text_field(entry, "path");
      const auto lfs = entry.find("lfs");
      files.push_back({.name = path,
                       .url = fmt::format("{}/{}/resolve/{}/{}", endpoint, net::encode_path(ref.repository),
                                          net::encode_path(ref.revision), net::encode_path(path)),
                       .bytes = size_field(entry, "size"),
                       .sha256 = lfs == entry.end() ? "" : text_field(*lfs, "oid"),
                       .headers = authorization()});
    }
  }
  return files;
}

Collected collect(const std::string& reference, const PullContext& context) {
  const RepositoryReference ref = RepositoryReference::parse(reference, "main");
  const std::string endpoint = endpoint_from("HF_ENDPOINT", "https://huggingface.co");
  return download_repository(list_files(endpoint, ref, context), ref, context);
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
