// modelscope:ORG/REPO[/FILE][@REVISION] - a ModelScope (魔搭) repository.
//
//   GET {endpoint}/api/v1/models/{repo}/repo/files?Revision={revision}&Recursive=true
//       -> {"Code":200,"Data":{"Files":[{"Path","Size","Sha256","Type":"blob"}]}}
//   GET {endpoint}/models/{repo}/resolve/{revision}/{path}
//
// MODELSCOPE_ENDPOINT names another address.

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "formats/pull.h"
#include "formats/repository.h"
#include "net/http.h"

namespace shenbi::formats::sources {
namespace {

Collected collect(const std::string& reference, const PullContext& context) {
  const RepositoryReference ref = RepositoryReference::parse(reference, "master");
  const std::string endpoint = endpoint_from("MODELSCOPE_ENDPOINT", "https://modelscope.cn");
  const std::string repository = net::encode_path(ref.repository), revision = net::encode_path(ref.revision);
  const std::string url =
      fmt::format("{}/api/v1/models/{}/repo/files?Revision={}&Recursive=true", endpoint, repository, revision);
  const net::Response response = net::get(url);
  check_listing(response.status, "modelscope:" + ref.repository);
  const Json answer = parse_json(response.body, url);
  const Json entries = answer.value("Data", Json::object()).value("Files", Json::array());
  std::vector<RemoteFile> files;
  for (const Json& entry : entries) {
    if (!entry.is_object() || entry.value("Type", "") != "blob") continue;
    const std::string path = entry.value("Path", "");
    files.push_back(
        {.name = path,
         .url = fmt::format("{}/models/{}/resolve/{}/{}", endpoint, repository, revision, net::encode_path(path)),
         .bytes = entry.value("Size", uint64_t{0}),
         .sha256 = entry.value("Sha256", ""),
         .headers = {}});
  }
  return download_repository(files, ref, context);
}

}  // namespace

Source modelscope() {
  return {.scheme = "modelscope",
          .form = "modelscope:ORG/REPO[/FILE][@REVISION]",
          .help = "ModelScope (魔搭)",
          .collect = collect,
          .default_name = repository_default_name};
}

}  // namespace shenbi::formats::sources
