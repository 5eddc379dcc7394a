#pragma once
// Cutting text into words before the model sees it: a chain of steps, each of which cuts every piece further (and may
// rewrite it). Pieces flow through the chain one by one; nothing is collected, so a long text costs no memory.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/regex.h"

namespace shenbi::tokenizers {

/// Takes pieces. `at_start`: the piece begins where the original text begins.
class PieceSink {
 public:
  virtual ~PieceSink() = default;
  virtual void piece(std::string_view text, bool at_start) = 0;
};

/// One step. Immutable, thread-safe.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  /// Sends the parts of `text` to `out`, left to right; empty parts may be among them. Views hold during the call.
  virtual void split(std::string_view text, bool at_start, PieceSink& out) const = 0;
};
using PreTokenizers = std::vector<std::unique_ptr<PreTokenizer>>;

/// Runs `text` through all steps; `out` gets no empty piece.
void split_all(const PreTokenizers& steps, std::string_view text, bool at_start, PieceSink& out);

/// What becomes of a match.
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

/// By pattern; `invert`: what lies between the matches is the match. Known patterns run on a WordFamily.
std::unique_ptr<PreTokenizer> regex_splitter(std::string_view pattern, Regex::Dialect dialect, SplitBehavior behavior,
                                             bool invert);
std::unique_ptr<PreTokenizer> literal_splitter(std::string_view text, SplitBehavior behavior, bool invert);
/// By single characters that have a property.
std::unique_ptr<PreTokenizer> character_splitter(bool (*matches)(char32_t), SplitBehavior behavior);
/// A space in front of every piece that has none.
std::unique_ptr<PreTokenizer> space_prepender();
/// Every byte becomes its character of GPT-2's alphabet.
std::unique_ptr<PreTokenizer> byte_alphabet_mapper();
std::unique_ptr<PreTokenizer> fixed_length_splitter(size_t characters);

enum class PrependScheme { kAlways, kFirst, kNever };
/// Spaces become `replacement`, which is put in front by the scheme; `split`: a piece begins at each replacement.
std::unique_ptr<PreTokenizer> metaspace(std::string replacement, PrependScheme scheme, bool split);

bool is_whitespace(char32_t c);
bool is_punctuation(char32_t c);  ///< ASCII punctuation and symbols, and general category P
bool is_number(char32_t c);

}  // namespace shenbi::tokenizers
