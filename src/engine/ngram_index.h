#pragma once
// Where the end of a text stood earlier in it: prompt lookup. What followed there is a draft of what follows here.
//
//   NgramIndex index;
//   index.extend(history);                    // reads what is new in it
//   if (const auto match = index.find(history); match.length > 0) ... history[match.next] ...
//
// Each pair of neighbours is a link in a chain of the places with the same hash; a look-up walks the newest few of one
// chain and compares tokens backwards. 8 to 20 bytes a token, most of them heads of chains.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace shenbi::engine {

class NgramIndex {
 public:
  static constexpr size_t kShortest = 2;  ///< tokens that must be the same; one alone says next to nothing
  static constexpr size_t kLongest = 32;  ///< more are not compared

  struct Match {
    size_t next = 0;    ///< place of the token that followed
    size_t length = 0;  ///< tokens before it that are the same as at the end; 0: found nowhere
  };

  /// `history` begins with what was given before.
  void extend(std::span<const int32_t> history);

  /// The longest run (the newest of several) that ends like `history`, all of which extend() has seen.
  Match find(std::span<const int32_t> history) const;

 private:
  size_t chain_of(int32_t before, int32_t last) const noexcept;
  void link(std::span<const int32_t> history, size_t place);

  std::vector<uint32_t> heads_;     // newest place of each chain + 1; 0: none. A power of two of them
  std::vector<uint32_t> previous_;  // by place of the second token: the next older place of its chain + 1
};

}  // namespace shenbi::engine
