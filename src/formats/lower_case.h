#pragma once
// Names of files and checksums as they are compared: in small letters of ASCII, whatever the locale.

#include <string>

namespace shenbi::formats {

inline std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

}  // namespace shenbi::formats
