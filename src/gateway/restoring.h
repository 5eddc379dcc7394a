#pragma once
// An answer with placeholders in it on its way back: as events, and as the bytes of a dialect.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/house.h"
#include "gateway/passage.h"
#include "gateway/provider.h"
#include "guard/vault.h"
#include "net/sse.h"

namespace shenbi::gateway {

/// Text, thinking and the arguments of each call are streams of their own; what one of them holds back goes out when
/// another one begins. Errors are not restored: they are logged.
class RestoringEvents {
 public:
  RestoringEvents(std::shared_ptr<const guard::Vault> vault, EventSink sink);
  void take(chat::Event event);

 private:
  void flush();

  const std::shared_ptr<const guard::Vault> vault_;
  const EventSink sink_;
  bool told_ = false;
  guard::Restorer restorer_;
  chat::Event waiting_;  // what the restorer's held text belongs to
  bool waits_ = false;
};

/// Whole events of a stream at a time, or the answer in one piece. An event that nothing is put back into stays as it
/// was, byte for byte; another one is written anew, and has its comments and its name. What waits for the rest of a
/// placeholder when its stream ends goes out as one more event like its last.
class RestoringBytes {
 public:
  RestoringBytes(std::shared_ptr<const guard::Vault> vault, Dialect dialect, bool stream, WireSink wire);
  void take(std::string_view bytes, bool last);

 private:
  struct Channel {
    guard::Restorer restorer;
    std::string block;        // the event that its held text came with
    chat::OrderedJson event;  // its data, without what else was in it
    std::string place;        // of the text in that: a JSON pointer
  };
  struct Piece {
    std::string channel, place;
    bool json = false;  // of arguments
    bool ends = false;  // its stream ends with it
  };

  static void keep(Channel& channel, const chat::OrderedJson& event, const Piece& piece);
  std::string restored(const std::string& block, const net::SseEvent& event);
  std::vector<Piece> pieces(const chat::OrderedJson& event) const;
  std::string ended(const chat::OrderedJson& event);
  std::string flush(const std::string& channel);
  std::string flush_all();

  const std::shared_ptr<const guard::Vault> vault_;
  const Dialect dialect_;
  const bool stream_;
  const WireSink wire_;
  net::SseReader reader_;
  std::string unread_;
  uint64_t read_ = 0;
  std::map<std::string, Channel> channels_;
};

}  // namespace shenbi::gateway
