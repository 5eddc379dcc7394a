#include "chat/plain_dialogue.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"

namespace shenbi::chat {

using nlohmann::ordered_json;

TEST(PlainDialogue, ends_where_the_assistant_speaks_next) {
  const auto messages = ordered_json::parse(R"([{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},
    {"role":"assistant","content":"Hello."},{"role":"user","content":[{"type":"text","text":"Bye"}]}])");
  EXPECT_EQ(plain_dialogue(messages), "Be brief.\n\nUser: Hi\nAssistant: Hello.\nUser: Bye\nAssistant:");
}

TEST(PlainDialogue, refuses_roles_and_parts_it_has_no_form_for) {
  EXPECT_THROW(plain_dialogue(ordered_json::parse(R"([{"role":"tool","content":"x"}])")), Error);
  EXPECT_THROW(plain_dialogue(ordered_json::parse(R"([{"role":"user","content":[{"type":"image_url"}]}])")), Error);
}

}  // namespace shenbi::chat
