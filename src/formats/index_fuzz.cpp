// Any text as model.safetensors.index.json: parsed or refused, and every shard is then a plain file name.

#include <cstdlib>

#include "base/error.h"
#include "formats/folder_jail.h"
#include "formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace shenbi;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto& [tensor, shard] : formats::parse_safetensors_index(text, "index.json")) {
      if (!formats::is_plain_file_name(shard) || shard.find("..") == 0) std::abort();
    }
  } catch (const Error&) {
  }
  return 0;
}
