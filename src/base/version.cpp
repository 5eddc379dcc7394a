#include "base/version.h"

namespace shenbi {

constinit const std::string_view kVersion = SHENBI_VERSION;

}  // namespace shenbi
