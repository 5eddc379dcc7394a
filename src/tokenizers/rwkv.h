#pragma once
// RWKV's "world" tokenizer: at each place the longest entry of the vocabulary, over bytes.

#include "tokenizers/pipeline.h"

namespace shenbi::tokenizers {

/// Fills a pipeline whose vocabulary is set. Entries are escaped as Python writes byte strings ("\n", "\x80", "\\").
void add_rwkv(Pipeline& pipeline);

}  // namespace shenbi::tokenizers
