#pragma once
// The last stage of tokenising: one word (or, for SentencePiece, one stretch of text) to ids.

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace shenbi::tokenizers {

/// What one encode call needs beside the model: caches and scratch memory. One thread.
class ModelSession {
 public:
  virtual ~ModelSession() = default;
  virtual void encode(std::string_view word, std::vector<int32_t>& out) = 0;
};

/// Immutable, thread-safe.
class Model {
 public:
  virtual ~Model() = default;
  virtual std::unique_ptr<ModelSession> start() const = 0;
};

}  // namespace shenbi::tokenizers
