// The page, built from web/ and embedded in the program by cmake/web.cmake.
//
//   for (const WebAsset& asset : web_assets())
//     if (asset.path == target) return reply(asset.type, accepts_gzip ? asset.gzip : asset.raw);
//
// One row a file, sorted by path; the page itself is "/". Where web/dist was not built the only row is a plain page
// that says how to build it. Everything lives as long as the program; safe from any thread.
#pragma once

#include <string_view>
#include <vector>

namespace shenbi::server {

struct WebAsset {
  std::string_view path;    // "/" or "/assets/name-HASH.js", as in the request
  std::string_view type;    // value of Content-Type
  std::string_view etag;    // quoted, as in the header
  bool immutable;           // the name holds the hash of the bytes: may be kept for ever
  std::string_view raw;     // the bytes as they are
  std::string_view gzip;    // the same, encoded; empty where that is not smaller
  std::string_view brotli;  // likewise
};

const std::vector<WebAsset>& web_assets();

}  // namespace shenbi::server
