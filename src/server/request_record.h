#pragma once
// What one HTTP request was and how it ended, told once when it has: a line of the log and, where traces are kept, a
// span (docs/observability.md). It holds sizes, times and names; never what was said, and no key.
//
// The thread that handles a request is "in" its record: what it logs names the request, what it begins is traced below
// it, and answers it starts are told to it when they end, on whatever thread that is.

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "net/server.h"
#include "server/metrics.h"
#include "trace/tracer.h"

namespace shenbi::server {

class RequestRecord;
using RequestRecordPtr = std::shared_ptr<RequestRecord>;

class RequestRecord {
 public:
  /// `route`: the pattern that answers, "" if none. Without a tracer nothing is traced.
  RequestRecord(const net::ServerRequest& request, std::string id, std::string route, trace::Tracer* tracer);
  ~RequestRecord() { finish(); }
  RequestRecord(const RequestRecord&) = delete;
  RequestRecord& operator=(const RequestRecord&) = delete;

  const std::string& id() const noexcept { return id_; }
  const std::string& route() const noexcept { return route_; }
  trace::Span child(std::string name) const { return span_.child(std::move(name)); }

  void set_key(const std::string& name);
  void set_status(int status);  ///< the first counts
  void add_bytes(size_t sent);
  /// Why it failed: a short word of few possible ones. `ours`: the client could not have done better.
  void fail(std::string_view type, bool ours);
  /// One of its answers has ended. After finish() it gets a line of its own.
  void add_answer(const AnswerFigures& figures);
  /// Nothing more will be said. The first call counts; the destructor is one.
  void finish();

  /// Of the request that this thread handles; may be null.
  static RequestRecordPtr current();

  class Entered {
   public:
    explicit Entered(RequestRecordPtr record);
    ~Entered();

   private:
    RequestRecordPtr before_;
    LogRequest log_;
    trace::Entered trace_;
  };

 private:
  std::string line() const;

  const std::string id_, route_, method_, peer_;
  const size_t received_;
  const trace::Time start_ = std::chrono::steady_clock::now();
  mutable std::mutex mutex_;  // guards what follows; children of the span are begun without it
  trace::Span span_;
  std::string key_, error_;
  int status_ = 0;
  size_t sent_ = 0;
  std::optional<AnswerFigures> answer_;  // several choices: the sum
  bool finished_ = false;
};

}  // namespace shenbi::server
