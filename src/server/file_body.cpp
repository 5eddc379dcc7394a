#include "server/file_body.h"

#include <algorithm>

#include "server/state.h"

namespace shenbi::server {
namespace {

class FileBody final : public net::BodySource {
 public:
  explicit FileBody(std::shared_ptr<const FileReader> reader) : reader_(std::move(reader)) {}
  uint64_t bytes() const noexcept override { return reader_->bytes(); }
  std::string next(size_t most) override {
    std::string piece = reader_->read(at_, std::min<uint64_t>(most, reader_->bytes() - at_));
    at_ += piece.size();
    return piece;
  }

 private:
  const std::shared_ptr<const FileReader> reader_;
  uint64_t at_ = 0;
};

}  // namespace

void send_file(RouteCall& call, const StoredFile& file, const std::string& type) {
  call.exchange->send({.status = 200,
                       .headers = {{"Content-Type", type},
                                   {"Content-Disposition", "attachment"},
                                   {"Content-Security-Policy", "sandbox"},
                                   {"Cache-Control", "no-store"}},
                       .body = {},
                       .source = std::make_shared<FileBody>(call.state.files->open(file))});
}

}  // namespace shenbi::server
