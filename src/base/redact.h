#pragma once
// What looks like a key is not written where it could be read later: every line of the log and every error that leaves
// the program goes through redacted(). Two nets: the shapes that keys are known by, and the secrets that this program
// was given.
//
//   redacted("no such key: sk-proj-0123456789abcdef")  ->  "no such key: sk-****"
//
// Not a promise about text in general: a secret in no known shape that nobody told us of is a word like others.
// Thread-safe.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace shenbi {

/// The text with "****" for what is or looks like a key; what tells the kind of key stays.
std::string redacted(std::string_view text);

/// What looks like a key, by its shape alone and without what tells the kind of key; in the order of the text, none in
/// another. Time linear in the text, whatever it is.
struct KeySpan {
  size_t begin = 0, end = 0;
};
std::vector<KeySpan> find_keys(std::string_view text);

/// From now on this is hidden wherever it stands. Shorter than twelve characters it is taken for a word and is not; of
/// several parts ("id:secret") each is hidden for itself.
void keep_secret(std::string_view secret);

}  // namespace shenbi
