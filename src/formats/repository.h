#pragma once
// What the sources that hold repositories of files have in common.

#include <string>
#include <vector>

#include "formats/pull.h"

namespace shenbi::formats {

/// "ORG/REPO/dir/file.gguf@rev" taken apart.
struct RepositoryReference {
  std::string repository;  ///< "ORG/REPO"
  std::string file;        ///< "" = choose
  std::string revision;
  static RepositoryReference parse(const std::string& text, const std::string& default_revision);
};

/// The environment variable's value without a trailing slash, or `standard`.
std::string endpoint_from(const char* variable, const std::string& standard);

/// Turns the status of a listing into the error that helps: not found, needs a token, server trouble.
void check_listing(int status, const std::string& what);

/// Chooses, downloads and names the files of a listing. Digests that are not SHA-256 are ignored.
Collected download_repository(std::vector<RemoteFile> listing, const RepositoryReference& ref,
                              const PullContext& context);

/// "Qwen/Qwen3-0.6B-GGUF/x-Q8_0.gguf" -> "qwen3-0.6b-gguf:q8_0"
std::string repository_default_name(const std::string& reference);

}  // namespace shenbi::formats
