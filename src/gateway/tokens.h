#pragma once
// Tokens that houses give for keys: fetched when first needed, shared by all who ask, renewed before they end. One that
// will end soon is still handed out while its successor is on the way; one that has ended is waited for.
//
//   tokens->with("key 0", [] { return request; }, [](const Tokens::Given& given) { ... });
//
// Thread-safe. Nothing is called under a lock.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "gateway/house.h"
#include "net/client.h"

namespace shenbi::gateway {

class Tokens : public std::enable_shared_from_this<Tokens> {
 public:
  struct Given {
    const std::string* token = nullptr;  ///< null: there is none, see error
    bool fresh = false;                  ///< it was fetched for this call
    const Error* error = nullptr;        ///< Error{kUnauthorized}: the house refused the key
  };
  using Ready = std::function<void(const Given&)>;

  /// `client` must outlive it.
  Tokens(TokenDoor door, net::Client& client, std::function<int64_t()> seconds_since_1970);

  /// Calls `ready` once: now, if the token `name` is there, else from a thread of the client when it has come or
  /// failed. `request` makes the question where one has to be sent; what it throws goes to `ready`.
  void with(const std::string& name, const std::function<net::ClientRequest()>& request, Ready ready);
  /// The house took it for no good: the next who asks gets a new one.
  void forget(const std::string& name);

 private:
  struct Entry {
    std::optional<Token> token;
    int64_t renew_at = 0;  // s since 1970
    bool fetching = false;
    std::vector<Ready> waiting;
  };
  struct Answer;
  void fetch(const std::string& name, const std::function<net::ClientRequest()>& request);
  void take(const std::string& name, const Answer& answer, const Error* error);
  void tell(const std::string& name, const std::optional<Token>& token, const Error* error);
  void make_room();

  const TokenDoor door_;
  net::Client& client_;
  const std::function<int64_t()> now_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace shenbi::gateway
