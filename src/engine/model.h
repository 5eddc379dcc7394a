#pragma once
// A model as people mean it: weights, tokenizer, chat template, defaults. What a name on the command line becomes.
//
//   auto model = engine::load_model(engine::resolve_model("gemma3:270m"), {}, team);

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_team.h"
#include "chat/answer_parser.h"
#include "chat/template.h"
#include "engine/sampler.h"
#include "formats/checkpoint.h"
#include "models/decoder.h"
#include "tokenizers/tokenizer.h"

namespace shenbi::engine {

/// A path that exists stays itself; anything else is looked up in the model store. Throws Error{kNotFound} that says
/// what to pull.
std::filesystem::path resolve_model(const std::string& name);

/// The tokenizer alone (a vocabulary-only GGUF, a tokenizer.json, a tokenizer.model or a folder will do).
std::unique_ptr<tokenizers::Tokenizer> load_tokenizer(const std::filesystem::path& path);
std::unique_ptr<tokenizers::Tokenizer> load_tokenizer(const formats::Checkpoint& checkpoint);

/// The model's own chat template, if it has one. A base model has none.
std::optional<chat::ChatTemplate> load_chat_template(const formats::Checkpoint& checkpoint);

struct Model {
  std::string name;
  std::shared_ptr<const formats::Checkpoint> checkpoint;
  std::shared_ptr<const models::Decoder> decoder;
  std::shared_ptr<const tokenizers::Tokenizer> tokenizer;
  std::optional<chat::ChatTemplate> chat_template;
  chat::TemplateForm template_form;  ///< what the template can show
  SamplingParams defaults;           ///< from generation_config.json, where the checkpoint has one
  std::vector<int32_t> stop_ids;     ///< the tokenizer's and generation_config's
  std::shared_ptr<const formats::CacheFile> kept_vocabulary;  ///< of an earlier load; null: compiled now
  std::shared_ptr<formats::PendingCacheFile> pending_cache;   ///< the compiled vocabulary on its way to the disk

  /// Throws Error{kCorruptFile} naming the file of the model, or of what is kept of it, that is no longer what was
  /// opened: nothing that was computed since may be given out.
  void require_whole() const;
};

std::shared_ptr<const Model> load_model(const std::filesystem::path& path, const models::DecoderOptions& options,
                                        ThreadTeam& team);

}  // namespace shenbi::engine
