// https://HOST/PATH/FILE - one file by its address.

#include "formats/pull.h"
#include "formats/repository.h"

namespace shenbi::formats::sources {

Source https() {
  return {.scheme = "https",
          .form = "https://HOST/PATH/FILE.gguf",
          .help = "one file by its address",
          .collect = [](const std::string& ref,
                        const PullContext& context) { return download_url("https:" + ref, context); },
          .default_name = url_default_name};
}

}  // namespace shenbi::formats::sources
