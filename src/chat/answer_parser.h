#pragma once
// From a model's raw text, piece by piece, to events: thinking split off, tool calls taken out in the form of the
// model's family, the rest passed on as text as soon as it can no longer be the beginning of something else.
//
//   AnswerParser parser(find_tool_syntax(template_text), {.tools = &tools, .thinking_open = true});
//   for (piece) for (Event& e : parser.push(piece)) ...
//   for (Event& e : parser.finish()) ...
//
// Nothing is lost: a call that is malformed, unfinished or names an unknown tool comes back as the text it was, with a
// kWarning. Arguments stream as they arrive, so a call may turn out malformed after it was announced: the kWarning then
// names its id. Bounded: nothing but the longest marker and the source of one unfinished call is held back. What comes
// out does not depend on how the text was cut into pieces. White space around calls and thinking is dropped.
//
// Markers such as <|tool_call_begin|> are control tokens in most vocabularies: feed the text with them in it.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/types.h"

namespace shenbi::chat {

/// How one model family writes tool calls and thinking. One file in chat/tool_calls/ defines one.
struct ToolSyntax {
  std::string name;  ///< "hermes", "llama3", "mistral", ...

  /// Whether a chat template belongs to this family. The first in the order of `rank` that says yes is taken.
  std::function<bool(std::string_view template_text)> recognises;
  int rank = 100;  ///< lower is asked first

  /// Text markers around thinking, e.g. "<think>", "</think>"; empty if the family has none.
  std::string thinking_begin, thinking_end;

  /// Where thinking is a channel that the reader splits: how it begins, how it ends, and what ends it in the model's
  /// place. Other families: see thinking_marks().
  struct ThinkingMarks {
    std::string begin, end, closing;
  };
  ThinkingMarks thinking_channel;
  ThinkingMarks thinking_marks() const {
    return thinking_begin.empty() ? thinking_channel
                                  : ThinkingMarks{thinking_begin, thinking_end, "\n" + thinking_end + "\n\n"};
  }

  /// Makes the state that reads calls out of the answer text. It is fed text that is not thinking.
  struct Reader {
    virtual ~Reader() = default;
    /// Takes more text and appends what has become certain: kText, kToolCall, kToolArguments, kWarning.
    virtual void push(std::string_view text, std::vector<Event>& out) = 0;
    virtual void finish(std::vector<Event>& out) = 0;
    /// Families whose thinking is a channel among others (gpt-oss) split it in the reader.
    virtual bool in_thinking() const noexcept { return false; }
  };
  std::function<std::unique_ptr<Reader>(const std::vector<Tool>& tools, bool parallel)> reader;

  /// The answer has a frame besides calls and thinking (channels, response markers): the reader takes it off even where
  /// no tools are offered.
  bool framed = false;

  /// GBNF for an answer that must be (kRequired, kFunction) calls: rules with root "root". "args-N" stands for the
  /// arguments of tools[N] as JSON and "value-N-K" for the K-th property of its schema; both are defined by the caller.
  /// `parallel`: one call or more, else exactly one. Calls alone, without the family's begin and end, are "calls".
  std::function<std::string(const std::vector<Tool>& tools, bool parallel)> grammar;

  // --- auto mode: free text in which calls may stand (answer_rules.h). The lists hold everything that the reader takes
  // for the beginning of a call, whether the grammar writes it or not: what it does not write is kept out of the text.
  // ---

  /// Markers that begin a call wherever they stand, e.g. "<tool_call>".
  std::vector<std::string> triggers;
  /// Markers that do so only where nothing but white space came before, e.g. "{".
  std::vector<std::string> leading;
  /// More of both where they depend on the tools: {triggers, leading}.
  std::function<std::pair<std::vector<std::string>, std::vector<std::string>>(const std::vector<Tool>& tools)> named;
  /// A section of calls that may stand anywhere, and one at the answer's beginning, which is then the whole answer:
  /// GBNF over the rules of `grammar`; each begins with one of the markers. Empty: there is none.
  std::string section = "root", leading_section;
  /// Families whose answers are framed otherwise: the whole of it, with root "answer".
  std::function<std::string(const std::vector<Tool>& tools, bool parallel)> auto_grammar;
};

/// {file stem, function}. Generated from chat/tool_calls/*.cpp.
const std::vector<std::pair<std::string_view, ToolSyntax (*)()>>& tool_syntax_registry();

/// The syntax of the family a template belongs to; "plain" (a JSON object {"name", "arguments"} alone) if none says
/// yes.
const ToolSyntax& find_tool_syntax(std::string_view template_text);
/// By name; nullptr if there is none.
const ToolSyntax* tool_syntax(std::string_view name);

class AnswerParser {
 public:
  struct Options {
    std::vector<Tool> tools;  ///< empty: calls are not looked for
    bool parallel = true;
    bool thinking_open = false;  ///< the prompt ended inside thinking (the template wrote the opening marker)
    bool split_thinking = true;
  };
  AnswerParser(const ToolSyntax& syntax, Options options);
  ~AnswerParser();
  std::vector<Event> push(std::string_view text);
  std::vector<Event> finish();
  /// Whether what was pushed so far ends inside thinking: tokens count as reasoning.
  bool in_thinking() const noexcept;
  bool saw_tool_call() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What a chat template can show of tools. A template that drops calls, results or the offered tools without a word is
/// common (base models' finetunes, Gemma, Phi 3.5); then they are put into the messages' text instead.
struct TemplateForm {
  bool null_content = false;     ///< content beside calls must be null, else the calls are dropped
  bool text_arguments = false;   ///< arguments must be JSON text, not an object
  bool calls_in_text = false;    ///< the template shows no calls
  bool results_in_text = false;  ///< it shows no answers of tools
  bool tools_in_text = false;    ///< it shows no tools
  bool system_in_user = false;   ///< it refuses a system message
};

class ChatTemplate;
/// Renders small conversations and looks at what comes out. Costs some ten renderings: once a model.
TemplateForm template_form(const ChatTemplate& chat);

/// The messages as the JSON that chat templates read (Hugging Face's form): content as a string where it is text alone,
/// thinking as "reasoning_content", tool call arguments as an object. Developers speak as system: few templates know
/// them. `tools` are needed where the form wants them in the text.
OrderedJson template_messages(const std::vector<Message>& messages, const TemplateForm& form = {},
                              const std::vector<Tool>& tools = {});
/// {"type": "function", "function": {...}} of each; null if there are none.
OrderedJson template_tools(const std::vector<Tool>& tools);

}  // namespace shenbi::chat
