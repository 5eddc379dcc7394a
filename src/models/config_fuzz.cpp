// A hostile config.json: it becomes a spec and a list of parameters, or one Error.

#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "base/json.h"
#include "models/parameters.h"

namespace {

class ConfigOnly : public shenbi::formats::Checkpoint {
 public:
  explicit ConfigOnly(shenbi::Json config) {
    path_ = "fuzz";
    config_ = std::make_shared<shenbi::Json>(std::move(config));
  }
  shenbi::formats::CheckpointKind kind() const noexcept override {
    return shenbi::formats::CheckpointKind::kHuggingFaceFolder;
  }
  std::optional<std::string> side_file(std::string_view) const override { return std::nullopt; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 << 16) return 0;
  try {
    const ConfigOnly checkpoint(
        shenbi::parse_json(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz"));
    const shenbi::models::Config config(checkpoint);
    const auto [stem, architecture] = shenbi::models::find_architecture(config);
    shenbi::models::parameters_of(architecture.read(config));
  } catch (const shenbi::Error&) {
  }
  return 0;
}
