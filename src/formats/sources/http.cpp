// http://HOST/PATH/FILE - one file by its address, for servers in one's own network. Nothing protects the bytes on the
// way.

#include "formats/pull.h"

namespace shenbi::formats::sources {

Source https();

Source http() {
  Source source = https();
  source.scheme = "http";
  source.form = "http://HOST/PATH/FILE.gguf";
  source.help = "the same without encryption, for servers in your own network";
  source.collect = [](const std::string& reference, const PullContext& context) {
    const std::string name = reference.substr(reference.rfind('/') + 1);
    return Collected{
        .files = {context.download({.name = name, .url = "http:" + reference, .sha256 = "", .headers = {}})},
        .licence = ""};
  };
  return source;
}

}  // namespace shenbi::formats::sources
