#pragma once
// Finds stop strings in a stream of text and holds back what might be the beginning of one.
//
//   StopMatcher stops({"\nUser:"});
//   out << stops.push(piece);          // text that is certainly not part of a stop string
//   if (stops.stopped()) ...           // the stop string itself is never given out
//   out << stops.finish();             // at the end: what was held back in vain

#include <string>
#include <string_view>
#include <vector>

namespace shenbi::engine {

class StopMatcher {
 public:
  /// Empty strings are ignored.
  explicit StopMatcher(std::vector<std::string> stops);

  std::string push(std::string_view piece);
  std::string finish();
  bool stopped() const noexcept { return stopped_; }
  /// Which string ended the text; empty while stopped() is false.
  const std::string& matched() const noexcept { return matched_; }

 private:
  std::vector<std::string> stops_;
  std::string held_, matched_;
  bool stopped_ = false;
};

}  // namespace shenbi::engine
