// https://HOST/PATH/FILE - one file by its address.

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "formats/pull.h"

namespace shenbi::formats::sources {
namespace {

std::string file_name(const std::string& reference) {
  std::string path = reference.substr(0, reference.find_first_of("?#"));
  const std::string name = path.substr(path.rfind('/') + 1);
  if (!name.ends_with(".gguf") && !name.ends_with(".safetensors")) {
    throw Error(Code::kInvalidArgument,
                fmt::format("'{}': the address must end in a .gguf or .safetensors file", reference));
  }
  return name;
}

Collected fetch(const std::string& scheme, const std::string& reference, const PullContext& context) {
  return {.files = {context.download(
              {.name = file_name(reference), .url = scheme + ":" + reference, .sha256 = "", .headers = {}})},
          .licence = ""};
}

}  // namespace

std::string url_default_name(const std::string& reference) {
  std::string name = file_name(reference);
  name.resize(name.rfind('.'));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name + ":latest";
}

Source https() {
  return {.scheme = "https",
          .form = "https://HOST/PATH/FILE.gguf",
          .help = "one file by its address",
          .collect = [](const std::string& ref, const PullContext& context) { return fetch("https", ref, context); },
          .default_name = url_default_name};
}

}  // namespace shenbi::formats::sources
