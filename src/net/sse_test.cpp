#include "net/sse.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace shenbi::net {
namespace {

// "event|data|id" of each.
std::vector<std::string> read(std::string_view bytes, size_t piece = std::string_view::npos) {
  SseReader reader;
  std::vector<std::string> out;
  for (size_t at = 0; at < bytes.size(); at += std::min(piece, bytes.size())) {
    for (const SseEvent& event : reader.push(bytes.substr(at, piece)))
      out.push_back(event.event + "|" + event.data + "|" + event.id);
  }
  return out;
}

using Events = std::vector<std::string>;

TEST(Sse, writes_a_data_line_for_each_line) {
  EXPECT_EQ(sse_event("", "a"), "data: a\n\n");
  EXPECT_EQ(sse_event("delta", "a\nb\r\nc\rd\n"), "event: delta\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
  EXPECT_EQ(sse_event("", ""), "data: \n\n");
  EXPECT_EQ(sse_event("a\nid: 7", "x"), "event: a id: 7\ndata: x\n\n");
}

TEST(Sse, reads_what_it_writes) {
  for (const std::string data : {"", "one", " lead", "a\nb", "\n", "a\n\nb\n", "data: x", ": comment", "中文"})
    EXPECT_EQ(read(sse_event("name", data)), Events{"name|" + data + "|"});
}

TEST(Sse, reads_the_examples_of_the_standard) {
  EXPECT_EQ(read(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"),
            (Events{"message|first event|1", "message|second event|", "message| third event|"}));
  EXPECT_EQ(read("data\n\ndata\ndata\n\ndata:"), (Events{"message||", "message|\n|"}));
  EXPECT_EQ(read("data:test\n\ndata: test\n\n"), (Events{"message|test|", "message|test|"}));
}

TEST(Sse, takes_every_line_end_in_pieces_of_any_size) {
  const std::string stream =
      "\xEF\xBB\xBF"
      "event: a\r\ndata: 1\r\ndata: 2\r\n\r\ndata: 3\r\rid: 9\ndata: 4\n\n: x\n\ndata: 5\r\n\n";
  const Events expected{"a|1\n2|", "message|3|", "message|4|9", "message|5|9"};
  for (size_t piece = 1; piece <= stream.size(); ++piece) EXPECT_EQ(read(stream, piece), expected) << piece;
}

TEST(Sse, passes_over_what_it_does_not_know) {
  EXPECT_EQ(read("event: only\n\nfoo: bar\nDATA: x\n data: y\n\ndata: z\n\n"), Events{"message|z|"});
  EXPECT_EQ(read(std::string("id: a\0b\ndata: x\n\n", 17)), Events{"message|x|"});
}

TEST(Sse, remembers_a_reconnection_time_of_digits) {
  SseReader reader;
  reader.push("retry: 2500\nretry: 3s\nretry: 99999999999999999999\nretry:\n\n");
  EXPECT_EQ(reader.retry_ms(), 2500u);
}

TEST(Sse, hands_out_at_the_end_what_lacks_its_empty_line) {
  SseReader reader;
  EXPECT_TRUE(reader.push("data: [DONE]").empty());
  EXPECT_EQ(reader.finish()->data, "[DONE]");
  EXPECT_FALSE(reader.finish());
}

TEST(Sse, bounds_an_event_however_it_comes) {
  for (const std::string line : {"data: 12345\n", "data: 123456789012345", "x"}) {
    SseReader reader(20);
    EXPECT_THROW(
        {
          for (int i = 0; i < 21; ++i) reader.push(line);
        },
        Error)
        << line;
  }
  SseReader reader(20);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(reader.push("data: 12345\n\n").size(), 1u);
}

}  // namespace
}  // namespace shenbi::net
