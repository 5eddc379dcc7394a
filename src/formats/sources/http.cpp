// http://HOST/PATH/FILE - one file by its address, for servers in one's own network. Nothing protects the bytes on the
// way.

#include "formats/pull.h"
#include "formats/repository.h"

namespace shenbi::formats::sources {

Source http() {
  return {.scheme = "http",
          .form = "http://HOST/PATH/FILE.gguf",
          .help = "the same without encryption, for servers in your own network",
          .collect = [](const std::string& ref,
                        const PullContext& context) { return download_url("http:" + ref, context); },
          .default_name = url_default_name};
}

}  // namespace shenbi::formats::sources
