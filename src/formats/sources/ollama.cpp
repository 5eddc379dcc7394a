// ollama:[NAMESPACE/]NAME[:TAG] - an Ollama registry (the OCI distribution protocol).
//
//   GET {registry}/v2/{namespace}/{name}/manifests/{tag}   Accept: application/vnd.docker.distribution.manifest.v2+json
//       -> {"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:...","size":N}, ...]}
//   GET {registry}/v2/{namespace}/{name}/blobs/sha256:...
//
// The model layer is a GGUF file. Go templates (the .template layer) are not run: the GGUF's own chat template is used.
// OLLAMA_REGISTRY names another address.

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "formats/pull.h"
#include "formats/repository.h"
#include "net/http.h"
#include "net/sha256.h"

namespace shenbi::formats::sources {
namespace {

struct Reference {
  std::string path, tag;
};

Reference parse(const std::string& text) {
  const size_t colon = text.rfind(':');
  Reference ref{text.substr(0, colon), colon == std::string::npos ? "latest" : text.substr(colon + 1)};
  ModelName::parse(ref.path + ":" + ref.tag);  // the same characters are allowed
  if (ref.path.find('/') == std::string::npos) ref.path = "library/" + ref.path;
  return ref;
}

std::string short_type(const std::string& media_type) {
  return media_type.substr(media_type.rfind('.') + 1);  // "application/vnd.ollama.image.model" -> "model"
}

Collected collect(const std::string& reference, const PullContext& context) {
  const Reference ref = parse(reference);
  const std::string base =
      fmt::format("{}/v2/{}", endpoint_from("OLLAMA_REGISTRY", "https://registry.ollama.ai"), ref.path);
  const std::string url = fmt::format("{}/manifests/{}", base, ref.tag);
  const std::string what = "ollama:" + reference;
  const Json manifest =
      get_listing(url, {"Accept: application/vnd.docker.distribution.manifest.v2+json"}, what, context);
  Collected collected;
  for (const Json& layer : list_field(manifest, "layers", what)) {
    const std::string type = short_type(text_field(layer, "mediaType")), digest = text_field(layer, "digest");
    if (type == "adapter") {
      throw Error(Code::kUnsupported, fmt::format("{}: its adapter layer cannot be applied", what));
    }
    if (type != "model" && type != "license") continue;
    const std::string sha256 = digest.starts_with("sha256:") ? digest.substr(7) : "";
    if (!net::is_sha256_hex(sha256)) {
      throw Error(Code::kUpstream, fmt::format("{}: layer digest '{}' is no SHA-256", what, digest));
    }
    if (type == "license") {
      const net::Response text = net::get(fmt::format("{}/blobs/{}", base, digest),
                                          {.max_bytes = 1u << 20, .cancelled = context.options.cancelled});
      if (text.status == 200) collected.licence = text.body;
      continue;
    }
    collected.files.push_back(context.download({.name = "model.gguf",
                                                .url = fmt::format("{}/blobs/{}", base, digest),
                                                .bytes = size_field(layer, "size"),
                                                .sha256 = sha256,
                                                .headers = {}}));
  }
  if (collected.files.size() != 1) {
    throw Error(Code::kUnsupported,
                fmt::format("{}: {} model layers, exactly 1 can be used", what, collected.files.size()));
  }
  return collected;
}

std::string default_name(const std::string& reference) {
  const Reference ref = parse(reference);
  return fmt::format("{}:{}", ref.path.starts_with("library/") ? ref.path.substr(8) : ref.path, ref.tag);
}

}  // namespace

Source ollama() {
  return {.scheme = "ollama",
          .form = "ollama:NAME[:TAG]",
          .help = "an Ollama registry",
          .collect = collect,
          .default_name = default_name};
}

}  // namespace shenbi::formats::sources
