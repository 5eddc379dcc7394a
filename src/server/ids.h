#pragma once
// Names that nobody can guess.

#include <string>

namespace shenbi::server {

/// Letters and digits from the system's generator, each equally likely.
std::string random_text(size_t length);

/// Of conversations, messages, folders, files: 16 letters and digits, 95 bits.
std::string new_id();

}  // namespace shenbi::server
