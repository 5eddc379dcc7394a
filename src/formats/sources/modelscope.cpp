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
  const std::string what = "modelscope:" + ref.repository;
  const Json answer = get_listing(url, {}, what, context);
  // Trouble comes with status 200 too: {"Code":10010205001,"Message":"...","Data":null}
  if (const uint64_t code = size_field(answer, "Code"); code != 200) {
    throw Error(Code::kUpstream,
                fmt::format("{}: the server answers {}: {}", what, code, text_field(answer, "Message")));
  }
  std::vector<RemoteFile> files;
  const Json data = answer.value("Data", Json());
  for (const Json& entry : list_field(data, "Files", what)) {
    if (text_field(entry, "Type") != "blob") continue;
    const std::string path = text_field(entry, "Path");
    files.push_back(
        {.name = path,
         .url = fmt::format("{}/models/{}/resolve/{}/{}", endpoint, repository, revision, net::encode_path(path)),
         .bytes = size_field(entry, "Size"),
         .sha256 = text_field(entry, "Sha256"),
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
