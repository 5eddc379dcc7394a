#pragma once
// What an answer says of its cost: its usage object with what was counted here beside it.

#include <string>
#include <string_view>

#include "base/json.h"
#include "chat/types.h"
#include "gateway/media.h"

namespace shenbi::gateway {

class MediaTally {
 public:
  explicit MediaTally(const MediaRequest& request);

  /// A whole answer in OpenAI's words.
  void whole(std::string_view body);
  /// One event of a stream.
  void event(std::string_view data);

  std::string raw() const;  ///< as read_media_use() reads it; "": nothing is known
  chat::Usage tokens() const;

 private:
  void usage(const Json& json);

  MediaKind kind_;
  double guess_ = 0;  // seconds of sound, where nobody says
  Json told_ = Json::object();
};

}  // namespace shenbi::gateway
