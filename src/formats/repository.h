#pragma once
// What the sources that hold repositories of files have in common.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
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

/// GET of a JSON document that describes a repository; `what` names it in errors (see check_listing). `headers` as in
/// RemoteFile. With `next`, that becomes the address of the following page, or "".
nlohmann::json get_listing(const std::string& url, const std::vector<std::string>& headers, const std::string& what,
                           const PullContext& context, std::string* next = nullptr);

/// Fields of JSON that nobody has checked: anything of another type reads as "" or 0.
std::string text_field(const nlohmann::json& object, std::string_view key);
uint64_t size_field(const nlohmann::json& object, std::string_view key);
/// The list under `key`; Error{kUpstream} naming `what` if there is none.
const nlohmann::json& list_field(const nlohmann::json& object, std::string_view key, const std::string& what);

/// Turns the status of a listing into the error that helps: not found, needs a token, server trouble.
void check_listing(int status, const std::string& what);

/// Chooses, downloads and names the files of a listing. Digests that are not SHA-256 are ignored.
Collected download_repository(std::vector<RemoteFile> listing, const RepositoryReference& ref,
                              const PullContext& context);

/// `text` made fit for a model's name: lower case, other characters than letters, digits, '.', '_' and '-' become '-'.
std::string plain_name(const std::string& text);

/// "Qwen/Qwen3-0.6B-GGUF/x-Q8_0.gguf" -> "qwen3-0.6b-gguf:q8_0"
std::string repository_default_name(const std::string& reference);

/// One file by its address, which must end in .gguf or .safetensors (before any '?').
Collected download_url(const std::string& url, const PullContext& context);
std::string url_default_name(const std::string& url);

}  // namespace shenbi::formats
