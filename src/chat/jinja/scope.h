#pragma once
// Which variable does a name mean? jinja2 decides this before it runs anything, and its rules are visible to templates:
//
//   * A block (loop body, macro, with, set block, filter block, call block) has variables of its own; `if` has not.
//   * A name that an enclosing block knows is that block's variable, even if it is assigned further down.
//   * Assigning inside a block to a name known outside makes a copy, taken when the block is entered.
//   * Any other name that is read is looked up among the caller's variables when its block is entered.
//   * A name first assigned inside an `if` is looked up too, so that it has a value when the branch is not taken.
//
// This pass walks the tree once for each block to collect what it reads and assigns, then gives every name its place.

#include "chat/jinja/syntax.h"

namespace shenbi::chat::jinja {

/// Fills the places, loads and function shapes of `syntax`. Throws Error{kInvalidArgument} on break or continue outside
/// a loop, assignment to `loop` inside one, and unknown filters or tests.
void resolve_names(Syntax& syntax);

}  // namespace shenbi::chat::jinja
