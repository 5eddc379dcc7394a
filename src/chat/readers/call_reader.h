#pragma once
// Reads tool calls out of an answer: text flows through until a trigger ("<tool_call>"), then a Form takes the bytes
// one at a time and says what call they make, until the call's section ends and text flows again.
//
//   text ... [trigger] form: open(name) arguments(json)... close() | open ... close() [section ends] text ...
//
// Invariant: what was consumed since the last complete call is `source_`. If the form says that this is no call, the
// source goes out as text, with a warning. A byte is decided on by what came before it alone (never by where a piece
// ends), so every cut of the text gives the same events.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chat/answer_parser.h"

namespace shenbi::chat {

/// What a form tells of the call it reads.
class Calls {
 public:
  virtual ~Calls() = default;
  /// A call begins. Without an id one is made. The tool, or nullptr if there is none of that name: go on reading, the
  /// source comes back as text when the call closes.
  virtual const Tool* open(std::string_view name, std::string id = {}) = 0;
  /// More of its arguments, as JSON text.
  virtual void arguments(std::string_view json) = 0;
  /// The call is whole.
  virtual void close() = 0;
  /// What follows may well be ordinary text: should it not become a call, it goes out without a warning.
  virtual void perhaps() = 0;
};

/// The inside of a call section. One object reads the whole answer's sections, one after the other.
class Form {
 public:
  enum class Step {
    kMore,        ///< the byte was taken
    kDone,        ///< the byte was taken, and the section is over
    kDoneBefore,  ///< the section was over before this byte
    kBad,         ///< this is no call; the byte was not taken
  };
  virtual ~Form() = default;
  virtual void begin(std::string_view trigger, Calls& calls) = 0;
  virtual Step take(char c, Calls& calls) = 0;
  /// The answer is over: kDone if the section may end here, else kBad.
  virtual Step end(Calls& calls) = 0;
};

/// The triggers of a form. No trigger may be part of another.
struct Section {
  std::vector<std::string> triggers;  ///< anywhere in the answer
  std::vector<std::string> leading;   ///< only where nothing but white space came before
  std::unique_ptr<Form> form;
};

struct ReaderOptions {
  std::vector<std::string> silent;          ///< markers that are taken off the text
  std::vector<std::string> silent_leading;  ///< the same, at the answer's beginning
  std::string (*make_id)() = nullptr;       ///< default: "call_" and 24 letters and digits
};

class CallReader final : public ToolSyntax::Reader, private Calls {
 public:
  CallReader(const std::vector<Tool>& tools, bool parallel, std::vector<Section> sections, ReaderOptions options);

  void push(std::string_view text, std::vector<Event>& out) override;
  void finish(std::vector<Event>& out) override;

 private:
  struct Marker {
    std::string text;
    bool leading;
    Form* form;  ///< nullptr: silent
  };
  struct Found {
    size_t at;
    const Marker* marker;
  };

  const Tool* open(std::string_view name, std::string id) override;
  void arguments(std::string_view json) override;
  void close() override;
  void perhaps() override { warn_ = false; }

  bool advance_text();
  void advance_call();
  Found find_marker() const;
  size_t held_back() const;
  void begin_call(const Found& found);
  void end_section();
  void unread();
  void give_up(std::string_view reason);
  void emit_text(std::string_view text);
  void emit(Event::Kind kind, std::string_view text);

  std::vector<Tool> tools_;
  bool parallel_;
  std::vector<Section> sections_;
  std::vector<Marker> markers_;
  std::string (*make_id_)();

  std::vector<Event>* out_ = nullptr;  ///< during push() and finish() alone
  std::string pending_;                ///< text not yet decided on
  size_t at_ = 0;                      ///< of pending_
  bool leading_ = true;                ///< nothing but white space so far
  bool after_call_ = false;            ///< white space here is dropped
  Form* form_ = nullptr;               ///< inside a section
  std::string source_;                 ///< of the call that is being read
  bool warn_ = false;                  ///< if the source is no call, somebody should know
  bool open_ = false, announced_ = false;
  std::string refusal_;                                                ///< why the open call will not be one
  enum class Last { kNone, kWhole, kLeftAsText } last_ = Last::kNone;  ///< call of this section
  std::string id_;
  uint32_t index_ = 0;  ///< of the next call announced
  uint32_t whole_ = 0;  ///< calls completed
};

/// Random letters and digits.
std::string random_id(std::string_view prefix, size_t length);
std::string call_id();
/// What Mistral's templates ask of an id.
std::string nine_letter_id();

/// The reader of a family with these sections.
std::unique_ptr<ToolSyntax::Reader> make_reader(const std::vector<Tool>& tools, bool parallel,
                                                std::vector<Section> sections, ReaderOptions options = {});
/// The same with one section whose triggers stand anywhere.
std::unique_ptr<ToolSyntax::Reader> make_reader(const std::vector<Tool>& tools, bool parallel,
                                                std::vector<std::string> triggers, std::unique_ptr<Form> form);

/// How many bytes at the end of `text` are a beginning (not the whole) of `marker`.
size_t partial_suffix(std::string_view text, std::string_view marker) noexcept;
bool is_white_space(char c) noexcept;
inline bool mentions(std::string_view text, std::string_view marker) { return text.find(marker) != text.npos; }

/// Whether `text` is one of the markers, or the beginning of one.
enum class MarkerMatch { kNone, kPart, kWhole };
MarkerMatch match_marker(const std::vector<std::string>& markers, std::string_view text) noexcept;

}  // namespace shenbi::chat
