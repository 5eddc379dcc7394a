// The page itself: files built from web/ and embedded in the program, already compressed.

#include "server/state.h"
#include "server/web_assets.h"

namespace shenbi::server::routes {
namespace {

// Nothing from elsewhere, nothing inline: what an answer or a title holds can never run. data: and blob: images are the
// user's own.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src "
    "'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

bool accepts(std::string_view accepted, std::string_view encoding) {
  for (size_t at = accepted.find(encoding); at != std::string_view::npos; at = accepted.find(encoding, at + 1)) {
    const auto rest = accepted.substr(at + encoding.size());
    const bool refused = rest.starts_with(";q=0") && !rest.starts_with(";q=0.");
    const bool whole = (at == 0 || accepted[at - 1] == ' ' || accepted[at - 1] == ',') &&
                       (rest.empty() || rest[0] == ',' || rest[0] == ';' || rest[0] == ' ');
    if (whole && !refused) return true;
  }
  return false;
}

void send(RouteCall& call, const WebAsset& asset) {
  net::ServerResponse response{.status = 200, .headers = {}, .body = {}};
  const auto add = [&](std::string_view name, std::string_view value) { response.headers.emplace_back(name, value); };
  add("Content-Type", asset.type);
  add("ETag", asset.etag);
  add("Cache-Control", asset.immutable ? "public, max-age=31536000, immutable" : "no-cache");
  add("Content-Security-Policy", kContentSecurityPolicy);
  add("Referrer-Policy", "no-referrer");
  add("Cross-Origin-Opener-Policy", "same-origin");
  add("Vary", "Accept-Encoding");
  if (call.request.header("if-none-match") == asset.etag) {
    response.status = 304;
    return call.exchange->send(std::move(response));
  }
  const auto accepted = call.request.header("accept-encoding");
  if (!asset.brotli.empty() && accepts(accepted, "br")) {
    add("Content-Encoding", "br");
    response.body = asset.brotli;
  } else if (!asset.gzip.empty() && accepts(accepted, "gzip")) {
    add("Content-Encoding", "gzip");
    response.body = asset.gzip;
  } else {
    response.body = asset.raw;
  }
  call.exchange->send(std::move(response));
}

}  // namespace

RouteList page_assets() {
  RouteList routes;
  for (const WebAsset& asset : web_assets()) {
    routes.push_back(Route::open(Face::kPage, "GET", asset.path, [&asset](RouteCall& call) { send(call, asset); }));
  }
  return routes;
}

}  // namespace shenbi::server::routes
