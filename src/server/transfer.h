#pragma once
// Conversations in and out: our own export, ChatGPT's conversations.json, Open WebUI's export. A conversation that
// cannot be read is left out and named; the others come in.

#include <string>
#include <vector>

#include "chat/types.h"
#include "server/conversations.h"

namespace shenbi::server {

struct Imported {
  struct One {
    StoredConversation conversation;  ///< folder: its name, not an id
    std::vector<StoredMessage> messages;
  };
  std::vector<One> conversations;
  struct Skipped {
    std::string what, why;
  };
  std::vector<Skipped> skipped;
};

/// Throws Error{kInvalidArgument} if the file is of none of the three kinds.
Imported read_export(const chat::OrderedJson& file);

chat::OrderedJson export_json(const StoredConversation& conversation, const std::string& folder_name,
                              const std::vector<StoredMessage>& messages);
/// The messages from the first to the leaf, as a text for people.
std::string export_markdown(const StoredConversation& conversation, const std::vector<StoredMessage>& path);

}  // namespace shenbi::server
