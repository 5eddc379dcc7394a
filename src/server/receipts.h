#pragma once
// What the tries of one answer used and cost, for whoever wants to say so beside the answer. The router tells every try
// before the answer's last word goes out (state.cpp), so at that word the receipt is complete.
//
//   Receipts::Expected expected(state.receipts, "req-1.0");      // on the thread that asks the model
//   state.provider->chat(request, sink);
//   ... in the sink, at the end:   state.receipts.take("req-1.0")

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "ledger/ledger.h"

namespace shenbi::server {

struct Receipt {
  uint32_t tries = 0;
  std::string upstream, model;               ///< of the last try: who answered
  std::optional<int64_t> cost_nano_usd = 0;  ///< of all; nothing: no price is known for one of them
};

class Receipts {
 public:
  /// While it lives, what this thread asks of a model is filed under `id` in the ledger and kept here until it is
  /// taken.
  class Expected {
   public:
    Expected(Receipts& receipts, std::string id);
    ~Expected();
    Expected(const Expected&) = delete;
    Expected& operator=(const Expected&) = delete;

   private:
    std::string before_;
  };
  /// Of this thread; "" outside of Expected.
  static const std::string& current_id() noexcept;

  /// `row` is made only if somebody expects the try.
  void note(const std::string& id, const std::function<ledger::Row()>& row);
  /// Nothing if it is not expected.
  std::optional<Receipt> take(const std::string& id);

 private:
  std::mutex mutex_;
  std::map<std::string, Receipt> expected_;
};

}  // namespace shenbi::server
