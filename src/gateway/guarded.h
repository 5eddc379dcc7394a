#pragma once
// Personal data on the way to a house and back: what is found in a request (guard/personal_data.h) is replaced by
// placeholders, and what the house answers with a placeholder has the value put back, in text, thinking and the
// arguments of calls, whole or in pieces. Or it is found and the request is refused.
//
// Looked at is what people and programs write: texts, results and arguments of calls, descriptions, schemas' strings.
// Not looked at: pictures, sounds and files, names of fields, names and ids of models, functions and calls. What a
// maker has signed is hidden only as far as it was hidden when he signed it.

#include <memory>
#include <string>
#include <string_view>

#include "gateway/house.h"
#include "gateway/passage.h"
#include "gateway/provider.h"
#include "guard/vault.h"

namespace shenbi::gateway {

/// One request's. Made for each; the finder is shared.
class Guarded {
 public:
  /// `block`: the functions below throw Error{kInvalidArgument} naming kind and place, never the value, where something
  /// is found.
  Guarded(std::shared_ptr<const guard::Finder> finder, bool block, std::string upstream);

  void mask(chat::ChatRequest& request);
  /// Throws Error{kInvalidArgument} where the prompt comes as ids.
  void mask(chat::CompletionRequest& request);
  void mask(std::vector<std::string>& inputs);
  void mask(RerankRequest& request);
  /// A request in a dialect's own JSON; it stays as it is, byte for byte, where nothing is found.
  void mask_body(std::string& body);
  /// Of media, where nothing can be put back. Of one that blocks.
  void refuse_in(const chat::OrderedJson& words);

  bool empty() const noexcept { return vault_->empty(); }
  const guard::Vault& vault() const noexcept { return *vault_; }

  /// The sink with values put back. Before anything else it hears a kWarning of the name kMaskedWarning.
  EventSink restoring(EventSink sink) const;
  WireSink restoring(WireSink wire, Dialect dialect, bool stream) const;

 private:
  void mask_text(std::string& text, const std::string& place, bool known_only = false);
  void mask_json_text(std::string& text, const std::string& place, bool known_only = false);
  bool mask_tree(chat::OrderedJson& json, const std::string& place, bool free, bool known_only);

  const std::shared_ptr<const guard::Finder> finder_;
  const bool block_;
  const std::string upstream_;
  const std::shared_ptr<guard::Vault> vault_ = std::make_shared<guard::Vault>();
};

/// Who answers to a caller says it beside the answer and keeps no copy of it.
inline constexpr std::string_view kMaskedWarning = "masked";

}  // namespace shenbi::gateway
