#pragma once
// A kept file as an answer: read piece by piece as the client takes it.

#include <string>

#include "server/files.h"
#include "server/router.h"

namespace shenbi::server {

/// Whatever somebody stored here must not act as a page of this server: it is an attachment, and nothing in it runs.
void send_file(RouteCall& call, const StoredFile& file, const std::string& type);

}  // namespace shenbi::server
