#include "server/web_assets.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace shenbi::server {

TEST(WebAssets, the_page_itself_is_there_and_is_html) {
  const auto& assets = web_assets();
  const auto page = std::find_if(assets.begin(), assets.end(), [](const WebAsset& asset) { return asset.path == "/"; });
  ASSERT_NE(page, assets.end());
  EXPECT_EQ(page->type, "text/html; charset=utf-8");
  EXPECT_TRUE(page->raw.starts_with("<!doctype html>"));
  EXPECT_FALSE(page->immutable);
}

TEST(WebAssets, rows_are_sorted_by_path_and_each_has_bytes_a_type_and_a_quoted_etag) {
  std::string_view last;
  for (const WebAsset& asset : web_assets()) {
    EXPECT_LT(last, asset.path);
    last = asset.path;
    EXPECT_FALSE(asset.raw.empty()) << asset.path;
    EXPECT_FALSE(asset.type.empty()) << asset.path;
    EXPECT_EQ(asset.etag.size(), 34u) << asset.path;  // 32 hex digits in quotes
    EXPECT_TRUE(asset.etag.starts_with('"') && asset.etag.ends_with('"')) << asset.path;
  }
}

TEST(WebAssets, an_encoded_form_is_smaller_than_the_bytes_and_gzip_has_its_magic) {
  for (const WebAsset& asset : web_assets()) {
    EXPECT_LT(asset.brotli.size(), asset.raw.size()) << asset.path;
    if (asset.gzip.empty()) continue;
    EXPECT_LT(asset.gzip.size(), asset.raw.size()) << asset.path;
    EXPECT_TRUE(asset.gzip.starts_with("\x1f\x8b")) << asset.path;
  }
}

}  // namespace shenbi::server
